import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readGroup } from '../../src/activities/walk.ts';
import { advance, type Cursor, nextGroup } from '../../src/poll/walk.ts';
import { emptyStores, NOON, type Store, stream, TestPoll } from './support.ts';

const BYTES = 48_000;

describe('the walk over the targets', () => {
  const emptyStore = emptyStores();

  /** Walks to the end, in calls of `limit` ids, as polls that take `perPoll` dormant users each until the turn is over. */
  async function walk({ targets }: Store, limit: number, dormant?: { after?: string; left: number }) {
    const seen: Record<string, string[]> = { user: [], game: [], dormant: [] };
    let from: Cursor | undefined = { group: 'user', ...(dormant && { dormant }) };
    let turn: string | undefined;
    while (from) {
      const { ids, rest }: { ids: string[]; rest?: Cursor } = await readGroup(targets, from, limit, BYTES);
      seen[from.group]?.push(...ids);
      turn = rest?.dormant?.after;
      from = rest && rest.dormant?.left !== 0 ? rest : from.group === 'dormant' ? undefined : nextGroup(from);
    }
    return { seen, turn };
  }

  it('finds every target once, in calls of any size, and every dormant user once in a turn', async () => {
    const id = fc.integer({ min: 0, max: 999 }).map(String);
    const scene = fc.record({
      hot: fc.uniqueArray(id, { maxLength: 40 }),
      dormant: fc.uniqueArray(id, { maxLength: 60 }),
      games: fc.uniqueArray(id, { maxLength: 10 }),
      limit: fc.integer({ min: 1, max: 30 }),
      perPoll: fc.integer({ min: 1, max: 30 }),
    });
    const property = fc.asyncProperty(scene, async ({ hot, dormant, games, limit, perPoll }) => {
      const store = emptyStore();
      await store.targets.add('user', hot, NOON, NOON);
      await store.targets.add('user', dormant, NOON, 0);
      await store.targets.add('game', games, NOON);
      const users = [...new Set([...hot, ...dormant])].sort();
      const uniform = await walk(store, limit);
      assert.deepEqual(uniform.seen, { user: users, game: [...games].sort(), dormant: [] });

      const turn: string[] = [];
      let after: string | undefined;
      do {
        const poll = await walk(store, limit, { ...(after !== undefined && { after }), left: perPoll });
        assert.deepEqual([poll.seen.user, poll.seen.game], [[...hot].sort(), [...games].sort()]);
        assert.ok((poll.seen.dormant ?? []).length <= perPoll);
        turn.push(...(poll.seen.dormant ?? []));
        after = poll.turn;
      } while (after !== undefined);
      assert.deepEqual(
        turn,
        users.filter((user) => !hot.includes(user)),
      );
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('can go on behind any of the ids that it handed out', async () => {
    const store = emptyStore();
    const ids = Array.from({ length: 250 }, (_, i) => `${1_000 + i}`);
    await store.targets.add('user', ids, NOON, 0);
    const from: Cursor = { group: 'dormant', dormant: { left: 240 } };
    const { ids: first } = await readGroup(store.targets, from, 200, BYTES);
    const behind = advance(from, first.slice(0, 100));
    assert.deepEqual(behind, { group: 'dormant', dormant: { after: '1099', left: 140 } });
    const { ids: again } = await readGroup(store.targets, behind, 200, BYTES);
    assert.deepEqual(again, ids.slice(100, 240));
  });

  it('tells that a full answer was the last one, and without room whether anything is left', async () => {
    const store = emptyStore();
    const ids = Array.from({ length: 200 }, (_, i) => `${1_000 + i}`);
    await store.targets.add('user', ids, NOON);
    assert.deepEqual(await readGroup(store.targets, { group: 'user' }, 200, BYTES), { ids });
    const behind: Cursor = { group: 'user', after: '1198' };
    assert.deepEqual(await readGroup(store.targets, behind, 0, BYTES), { ids: [], rest: behind });
    assert.deepEqual(await readGroup(store.targets, { group: 'game' }, 0, BYTES), { ids: [] });
  });

  it('cuts unusually long ids to whole batches that fit', async () => {
    const store = emptyStore();
    const ids = Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(64, '0'));
    await store.targets.add('user', ids, NOON);
    const { ids: some, rest } = await readGroup(store.targets, { group: 'user' }, 1_000, BYTES);
    assert.equal(some.length % 100, 0);
    assert.ok(JSON.stringify(some).length <= BYTES);
    assert.equal(rest?.after, some.at(-1));
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
