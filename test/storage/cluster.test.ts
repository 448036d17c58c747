import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { ask, freePort, untilReady } from '../../sandbox/services/ports.ts';
import { type ManagedProcess, plainEnvironment, startProcess } from '../../sandbox/services/process.ts';
import { findRedis } from '../../sandbox/services/redis.ts';
import type { StoreConnection } from '../../src/storage/dragonfly.ts';
import { keyPrefix } from '../../src/storage/keys.ts';
import { storeOn } from '../../src/storage/store.ts';
import { contents, OPERATIONS } from './operations.ts';
import { connect } from './support.ts';

const { kind, path } = await findRedis();

/**
 * A node in cluster mode refuses a script or a command whose keys are not all in one slot (`CROSSSLOT`), even when it
 * holds every slot itself, as here.
 */
describe('a store in cluster mode', { skip: kind === 'dragonfly' && 'started with other flags' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-cluster-'));
  let server: ManagedProcess;
  let connection: StoreConnection;
  before(async () => {
    const port = await freePort();
    server = await startProcess({
      name: 'redis',
      dir,
      command: path,
      // The bus's port is 10,000 higher unless it is named, and may be too high.
      args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'].concat([
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(await freePort()),
      ]),
      env: plainEnvironment(),
    });
    await untilReady(() => ask(port, 'PING\r\n', (answer) => answer.includes('+PONG')), {
      what: 'a store in cluster mode',
      timeoutMs: 20_000,
      intervalMs: 20,
      givenUp: () => (server.running ? undefined : new Error('it ended at once')),
    });
    const setUp = new Redis(port);
    await setUp.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await untilReady(async () => String(await setUp.call('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
      what: 'a cluster that serves all slots',
      timeoutMs: 20_000,
      intervalMs: 20,
    });
    setUp.disconnect();
    connection = await connect(`redis://127.0.0.1:${port}`);
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
