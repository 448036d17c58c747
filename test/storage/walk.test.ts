import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { emptyStores, NOON, stream, TestPoll } from './support.ts';

describe('what the walk over the targets reads', () => {
  const emptyStore = emptyStores();

  it('reads users, hot ones and games in bytewise order, behind any id, so many at a time', async () => {
    const id = fc.oneof(fc.integer({ min: 0, max: 999 }).map(String), fc.stringMatching(/^[A-Za-z0-9_-]{1,5}$/));
    const scene = fc.record({
      hot: fc.uniqueArray(id, { maxLength: 40 }),
      dormant: fc.uniqueArray(id, { maxLength: 60 }),
      games: fc.uniqueArray(id, { maxLength: 40 }),
      after: fc.option(id, { nil: undefined }),
      limit: fc.integer({ min: 1, max: 50 }),
    });
    const property = fc.asyncProperty(scene, async ({ hot, dormant, games, after, limit }) => {
      const { targets } = emptyStore();
      await targets.add('user', hot, NOON, NOON);
      await targets.add('user', dormant, NOON, 0);
      await targets.add('game', games, NOON);
      const expected = (ids: string[]) =>
        [...new Set(ids)]
          .sort()
          .filter((id) => after === undefined || id > after)
          .slice(0, limit);
      const users = [...hot, ...dormant];
      assert.deepEqual(await targets.list('user', after, limit), expected(users));
      assert.deepEqual(await targets.list('game', after, limit), expected(games));
      assert.deepEqual(await targets.listHot(after, limit), expected(hot));
      assert.deepEqual(await targets.hotAmong([...new Set(users)]), new Set(users.filter((id) => hot.includes(id))));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('a user is hot when it was just added or is seen live, cools down, and leaves with its target', async () => {
    const store = emptyStore();
    const hot = async () => [...(await store.targets.hotAmong(['u1', 'u2', 'u3']))];
    await store.targets.add('user', ['u1'], NOON, NOON + 1_000);
    await store.targets.add('user', ['u2', 'u3'], NOON, 0);
    assert.deepEqual(await hot(), ['u1']);
    const poll = await TestPoll.open(store, NOON, 0, { hotUntilMs: NOON + 5_000 });
    await poll.announce({ kind: 'user', streams: [stream('s2', 'u2')] });
    await poll.announce({ kind: 'game', streams: [stream('s4', 'u4')] });
    assert.deepEqual(await hot(), ['u1', 'u2']);
    assert.equal(await store.targets.countHot(), 2, 'a user that only a game shows is no target');
    await store.targets.cool(NOON + 1_000);
    assert.deepEqual(await hot(), ['u2']);
    await store.targets.remove('user', ['u2']);
    assert.equal(await store.targets.countHot(), 0);
  });
});
