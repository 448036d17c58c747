import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import { scripts } from '../../src/storage/dragonfly.ts';
import { eventually } from '../support/services.ts';
import { NOON, openStore, type Store, stream, TestPoll } from './support.ts';

/** Dragonfly refuses a script that touches a key it did not declare; redis-server tells with MONITOR. */
describe('the scripts', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-scripts-'));
  let server: LocalRedis;
  let store: Store;
  before(async () => {
    // A server of its own: MONITOR shows everybody's commands, and ioredis stumbles over those that come while it begins.
    server = await startRedis({ dir });
    store = await openStore(server.url);
  });
  after(async () => {
    store.connection.disconnect();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('touch only the keys that they declare', async () => {
    const monitor = await store.connection.monitor();
    let declared = new Set<string>();
    const undeclared: string[] = [];
    const seen = new Set<string>();
    let calls = 0;
    let inside = 0;
    monitor.on('monitor', (_time: string, [command = '', ...args]: string[], source: string) => {
      if (/^evalsha|^eval$/i.test(command) && source !== 'lua') {
        declared = new Set(args.slice(2, 2 + Number(args[1])));
        calls += 1;
        seen.add(args[0] ?? '');
      } else if (source === 'lua' && !declared.has(args[0] ?? '')) {
        undeclared.push(`${command} ${args.join(' ')}`);
      } else if (source === 'lua') inside += 1;
    });

    const { targets } = store;
    await targets.add('user', ['u1', 'u2', 'u3'], NOON);
    await targets.add('game', ['g1', 'g2'], NOON);
    await targets.add('user', ['u4'], NOON, NOON + 1);
    await targets.cool(NOON + 1);
    assert.deepEqual(await targets.listHot(undefined, 10), ['u1', 'u2', 'u3']);
    for (const minutes of [0, 1, 2, 3]) {
      const poll = await TestPoll.open(store, NOON + minutes, Math.max(0, NOON + minutes - 1));
      const streams = minutes === 0 ? ['u1', 'u2', 'u3'].map((user) => stream(`s-${user}`, user, NOON, 'g1')) : [];
      await poll.announce({ streams, complete: { users: ['u1', 'u2'], games: ['g1', 'g2'] } });
      await poll.announce({ kind: 'game', streams, complete: { users: ['u1', 'u2'], games: ['g1', 'g2'] } });
    }
    store.series.noteRequest();
    await store.series.flush();
    await store.alerts.hold({ worker: 'one', leaseMs: 1_000, mayTake: true, troubles: '{}' });
    await targets.remove('user', ['u1', 'u3']);
    await targets.remove('game', ['g1', 'g2']);
    const folder = new URL('../../src/storage/lua/', import.meta.url);
    const uncalled = () =>
      readdirSync(folder).filter((name) => {
        if (name === 'entries.lua') return false;
        const text = scripts[name.replace('.lua', '')]?.lua ?? name;
        // The first call carries the text, which MONITOR shows with escapes; all others its hash.
        const [beginning = text] = text.split('\n');
        const sha = createHash('sha1').update(text).digest('hex');
        return ![...seen].some((called) => called === sha || called.startsWith(beginning));
      });
    await eventually(() => assert.deepEqual(uncalled(), []), { message: 'MONITOR shows every script' });
    await eventually(() => assert.ok(calls >= 4 + 8 + 6 && inside > 50));
    monitor.disconnect();
    assert.deepEqual(undeclared, []);
  });
});
