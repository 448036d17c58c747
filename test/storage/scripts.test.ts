import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/services.ts';
import { NOON, openStore, type Store, stream, TestPoll } from './support.ts';

/** Dragonfly refuses a script that touches a key it did not declare; redis-server tells with MONITOR. */
describe('the scripts', () => {
  let store: Store;
  before(async () => {
    store = await openStore();
  });
  after(() => store.connection.disconnect());

  it('touch only the keys that they declare', async () => {
    const monitor = await store.connection.monitor();
    let declared = new Set<string>();
    const undeclared: string[] = [];
    let scripts = 0;
    let inside = 0;
    monitor.on('monitor', (_time: string, [command = '', ...args]: string[], source: string) => {
      if (/^evalsha|^eval$/i.test(command) && source !== 'lua') {
        declared = new Set(args.slice(2, 2 + Number(args[1])));
        scripts += 1;
      } else if (source === 'lua' && !declared.has(args[0] ?? '')) {
        undeclared.push(`${command} ${args.join(' ')}`);
      } else if (source === 'lua') inside += 1;
    });

    const { targets } = store;
    await targets.add('user', ['u1', 'u2', 'u3'], NOON);
    await targets.add('game', ['g1', 'g2'], NOON);
    for (const minutes of [0, 1, 2, 3]) {
      const poll = await TestPoll.open(store, NOON + minutes, Math.max(0, NOON + minutes - 1));
      const streams = minutes === 0 ? ['u1', 'u2', 'u3'].map((user) => stream(`s-${user}`, user, NOON, 'g1')) : [];
      await poll.announce({ streams, complete: { users: ['u1', 'u2'], games: ['g1', 'g2'] } });
      await poll.announce({ kind: 'game', streams, complete: { users: ['u1', 'u2'], games: ['g1', 'g2'] } });
    }
    await targets.remove('user', ['u1', 'u3']);
    await targets.remove('game', ['g1', 'g2']);
    await eventually(() => assert.ok(scripts >= 4 + 8 + 4), { message: 'MONITOR shows every script' });
    monitor.disconnect();
    assert.ok(inside > 50, `commands seen inside scripts: ${inside}`);
    assert.deepEqual(undeclared, []);
  });

  it('are called with no more than Dragonfly takes, and are done in time with 100,000 live streams', async () => {
    const poll = await TestPoll.open(store, NOON + 10, NOON + 3);
    const owner = poll.nextOwner();
    const live = Array.from({ length: 100_000 }, (_, i) => stream(`many-${i}`, `many-u${i}`, NOON, `many-g${i % 50}`));
    for (let at = 0; at < live.length; at += 2_000) {
      const result = await poll.diff({ streams: live.slice(at, at + 2_000) }, owner);
      assert.ok(!result.lost);
    }
    const next = await TestPoll.open(store, NOON + 11, NOON + 10);
    const games = Array.from({ length: 50 }, (_, i) => `many-g${i}`);
    const result = await next.diff({ kind: 'game', complete: { games } });
    assert.ok(!result.lost);
    assert.equal(result.ended, 0);
  });
});
