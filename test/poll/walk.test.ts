import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { groupGames } from '../../src/poll/gameGroups.ts';
import { type Cursor, type CutBatch, cutBatches, startWalk, type TargetReads, walkOn } from '../../src/poll/walk.ts';

const ids = (count: number, width = 1) => Array.from({ length: count }, (_, i) => `${1_000 + i}`.padStart(width, '0'));

interface Contents {
  users?: string[];
  hot?: string[];
  games?: string[];
}

/** Reads as the store answers them: see test/storage/walk.test.ts. */
function readsOf({ users = [], hot = [], games = [] }: Contents): TargetReads {
  const behind = (all: string[], after = '', limit = 0) => all.filter((id) => id > after).slice(0, limit);
  return {
    list: async (kind, after, limit) => behind(kind === 'user' ? users : games, after, limit),
    listHot: async (after, limit) => behind(hot, after, limit),
    hotAmong: async (some) => new Set(some.filter((id) => hot.includes(id))),
  };
}

/** One poll: walks from `from` to the end, and behind each of the `stops`, numbers of batches, reads anew as a next run does. */
async function poll(
  targets: TargetReads,
  from: Cursor,
  perCall?: { ids: number; bytes: number },
  stops: number[] = [],
) {
  const batches: CutBatch[] = [];
  const calls: string[][] = [];
  let turn: { after?: string } | undefined;
  for (let next: Cursor | undefined = from; next; ) {
    const walked = await walkOn(targets, next, perCall);
    calls.push(walked.parts.flatMap((part) => part.ids));
    ({ next, turn } = walked);
    for (const batch of cutBatches(walked.parts)) {
      batches.push(batch);
      if (!stops.includes(batches.length)) continue;
      next = batch.behind;
      break;
    }
  }
  const of = (kind: string, hot: boolean) =>
    batches.filter((batch) => batch.kind === kind && batch.hot === hot).flatMap((batch) => batch.ids);
  return { batches, calls, turn, hot: of('user', true), users: of('user', false), games: of('game', false) };
}

const scene = fc
  .record({
    users: fc.nat({ max: 450 }),
    hotEvery: fc.integer({ min: 1, max: 5 }),
    games: fc.nat({ max: 250 }),
    width: fc.integer({ min: 4, max: 64 }),
    perCall: fc.record({ ids: fc.constantFrom(100, 200, 300, 1_000), bytes: fc.integer({ min: 300, max: 30_000 }) }),
    perPoll: fc.integer({ min: 1, max: 300 }),
    stops: fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
  })
  .map(({ users, hotEvery, games, width, ...rest }) => {
    const all = ids(users, width);
    const hot = all.filter((_, i) => i % hotEvery === 0);
    return { contents: { users: all, hot, games: ids(games, width) }, ...rest };
  });

describe('the walk over the targets', () => {
  it('finds every target once, in calls of any size, wherever it is taken up again', async () => {
    const property = fc.asyncProperty(scene, async ({ contents, perCall, stops }) => {
      const { hot, users, games, turn } = await poll(readsOf(contents), startWalk(), perCall, stops);
      assert.deepEqual({ hot, users, games, turn }, { ...contents, hot: [], turn: undefined });
    });
    await fc.assert(property);
  });

  it('finds hot users and games in each poll, and every dormant user once in a turn, so many in a poll', async () => {
    const property = fc.asyncProperty(scene, async ({ contents, perCall, perPoll, stops }) => {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const one = await poll(readsOf(contents), startWalk(perPoll, after), perCall, stops);
        assert.deepEqual([one.hot, one.games], [contents.hot, contents.games]);
        assert.ok(one.turn && one.users.length <= perPoll);
        if (one.turn.after !== undefined) assert.equal(one.users.length, perPoll);
        seen.push(...one.users);
        after = one.turn.after;
      } while (after !== undefined);
      const hot = new Set(contents.hot);
      assert.deepEqual(
        seen,
        contents.users.filter((id) => !hot.has(id)),
      );
    });
    await fc.assert(property);
  });

  it('keeps a call within its ids and bytes, a batch more at most, and asks with no more batches than it must', async () => {
    const property = fc.asyncProperty(scene, fc.boolean(), async ({ contents, perCall, perPoll }, turns) => {
      const start = turns ? startWalk(perPoll) : startWalk();
      const { calls, batches, hot, users, games } = await poll(readsOf(contents), start, perCall);
      for (const call of calls) {
        assert.ok(call.length <= perCall.ids);
        assert.ok(JSON.stringify(call.slice(0, -100)).length <= perCall.bytes);
      }
      assert.equal(
        batches.length,
        [hot, users, games].reduce((sum, group) => sum + Math.ceil(group.length / 100), 0),
      );
    });
    await fc.assert(property);
  });

  it('goes on behind a batch of dormant users with what is left of the poll’s', async () => {
    const targets = readsOf({ users: ids(250) });
    const [first] = (await poll(targets, { group: 'dormant', dormant: { left: 240 } })).batches;
    assert.deepEqual(first?.behind, { group: 'dormant', dormant: { after: '1099', left: 140 } });
    assert.deepEqual((await poll(targets, first.behind)).users, ids(250).slice(100, 240));
  });

  it('tells that a full answer was the last one, and without room whether anything is left', async () => {
    const full = { ids: 200, bytes: 48_000 };
    const users = ids(200);
    const last = await walkOn(readsOf({ users }), startWalk(), full);
    assert.deepEqual(last, { parts: [{ from: { group: 'user' }, ids: users }] });
    const { next } = await walkOn(readsOf({ users, games: ['7'] }), startWalk(), full);
    assert.deepEqual(next, { group: 'game' });
  });

  it('cuts games as they are grouped, and asks for each refused one alone', () => {
    const property = fc.property(
      fc.array(fc.nat({ max: 120 }), { maxLength: 60 }),
      fc.uniqueArray(fc.integer({ min: 3_000, max: 3_020 }).map(String)),
      (live, triedAgain) => {
        const games = ids(live.length);
        const groups = groupGames(live);
        const cut = [...cutBatches([{ from: { group: 'game' }, ids: games, groups, triedAgain }])];
        const grouped = cut.filter(({ refusedBefore }) => !refusedBefore);
        assert.deepEqual(
          grouped.map((batch) => ({ size: batch.ids.length, live: batch.known })),
          groups,
        );
        assert.deepEqual([...grouped, ...cut.slice(groups.length)], cut);
        assert.deepEqual(
          cut.map((batch) => batch.ids),
          [...grouped.map((batch) => batch.ids), ...triedAgain.map((id) => [id])],
        );
        assert.deepEqual(
          grouped.flatMap((batch) => batch.ids),
          games,
        );
        const behind = games.length > 0 ? { group: 'game', after: games.at(-1) } : { group: 'game' };
        if (cut.length > 0) assert.deepEqual(cut.at(-1)?.behind, behind);
      },
    );
    fc.assert(property);
  });
});
