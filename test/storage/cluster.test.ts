import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../sandbox/services/ports.ts';
import { findRedis, type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import type { StoreConnection } from '../../src/storage/dragonfly.ts';
import { keyPrefix } from '../../src/storage/keys.ts';
import { storeOn } from '../../src/storage/store.ts';
import { eventually } from '../support/services.ts';
import { contents, OPERATIONS } from './operations.ts';
import { connect } from './support.ts';

const { kind } = await findRedis();

/**
 * A node in cluster mode refuses a script or a command whose keys are not all in one slot (`CROSSSLOT`), even when it
 * holds every slot itself, as here.
 */
describe('a store in cluster mode', { skip: kind === 'dragonfly' && 'started with other flags' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-cluster-'));
  let server: LocalRedis;
  let connection: StoreConnection;
  before(async () => {
    // The bus's port is 10,000 higher unless it is named, and may be too high.
    const flags = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())];
    server = await startRedis({ dir, flags });
    connection = await connect(server.url);
    await connection.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(async () => assert.match(String(await connection.call('CLUSTER', 'INFO')), /cluster_state:ok/));
  });
  after(async () => {
    connection?.disconnect();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  for (const [i, { name, prepare, act }] of OPERATIONS.entries()) {
    it(`takes ${name}, and every key is behind the installation's name`, async () => {
      const store = storeOn(connection, keyPrefix(`cluster-${i}`));
      await prepare(store);
      await act(store);
      assert.equal(Object.keys(await contents(connection, '')).filter((key) => !key.startsWith('{cluster-')).length, 0);
    });
  }
});
