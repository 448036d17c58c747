import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Stream, TargetKind } from '../../src/poll/model.ts';
import { readLiveEntry } from '../../src/storage/liveEntry.ts';
import { emptyStores, ids, liveUsers, MINUTE, NOON, stream, TestPoll } from './support.ts';

const USERS = ['u0', 'u1', 'u2', 'u3', 'u4'];
const GAMES = ['g0', 'g1', 'unwatched'];
const OFFLINE_AFTER_MISSES = 2;
const RUNS = { numRuns: 150 };

/** What Twitch shows of a user in one poll: nothing, or the user's n-th stream in some game. */
const shown = fc.option(fc.record({ nth: fc.nat({ max: 2 }), game: fc.constantFrom(...GAMES) }), { freq: 2 });
/** How one kind's batch comes in: to its end, broken off after some of its streams, or not at all. */
const batch = fc.record({
  outcome: fc.constantFrom('complete', 'complete', 'incomplete', 'failed'),
  keep: fc.array(fc.boolean(), { minLength: USERS.length, maxLength: USERS.length }),
});
const poll = fc.record({
  users: fc.tuple(...USERS.map(() => shown)),
  user: batch,
  game: batch,
  gamesFirst: fc.boolean(),
  /** A retried diff: its first answer was lost. */
  retried: fc.boolean(),
  /** Polls until the claimed events are published: 0 at once, more as by a delivery during a broker's outage. */
  publishedAfter: fc.constantFrom(0, 0, 0, 1, 3),
  /** The confirm came, but the worker died before it was noted: the events are published a second time. */
  diesAfterConfirm: fc.boolean(),
});

describe('the invariants, whatever happens', () => {
  const emptyStore = emptyStores();

  it('announce every visible stream exactly once, and end one only after complete polls without it', async () => {
    const property = fc.asyncProperty(fc.array(poll, { minLength: 1, maxLength: 8 }), async (polls) => {
      const store = emptyStore();
      const visible = new Set<string>();
      const published: string[] = [];
      const repeatable = new Set<string>();
      const missed = new Map<string, number>();
      const pending: { due: number; owner: string; ids: string[]; dies: boolean }[] = [];

      const publishDue = async (now: number) => {
        for (const item of pending.splice(0)) {
          if (item.due > now) {
            // A delivery that waits for the broker renews its claims with every attempt.
            await store.streams.renewClaims(item.owner, item.ids);
            pending.push(item);
            continue;
          }
          const held = await store.streams.renewClaims(item.owner, item.ids);
          published.push(...held);
          if (item.dies) {
            for (const id of held) repeatable.add(id);
            pending.push({ ...item, dies: false });
          } else {
            await store.streams.markAnnounced(held);
          }
        }
      };

      for (const [index, step] of polls.entries()) {
        const current = await TestPoll.open(
          store,
          NOON + index * MINUTE,
          index === 0 ? 0 : NOON + (index - 1) * MINUTE,
        );
        const live = USERS.flatMap((user, i) => {
          const seen = step.users[i];
          return seen ? [stream(`${user}-${seen.nth}`, user, NOON + seen.nth, seen.game)] : [];
        });
        const pages: [TargetKind, typeof step.user, Stream[]][] = [
          ['user', step.user, live],
          ['game', step.game, live.filter((s) => s.gameId !== 'unwatched')],
        ];
        if (step.gamesFirst) pages.reverse();
        for (const [kind, { outcome, keep }, all] of pages) {
          if (outcome === 'failed') continue;
          const streams = outcome === 'complete' ? all : all.filter((s) => keep[USERS.indexOf(s.userId)]);
          const complete = outcome === 'incomplete' ? {} : kind === 'user' ? { users: USERS } : { games: ['g0', 'g1'] };
          for (const s of streams) visible.add(s.id);
          const owner = current.nextOwner();
          if (step.retried) await current.diff({ kind, streams, complete }, owner);
          const result = await current.diff({ kind, streams, complete }, owner);
          assert.ok(!result.lost);
          pending.push({
            due: index + step.publishedAfter,
            owner,
            ids: ids(result.events),
            dies: step.diesAfterConfirm,
          });
        }
        await publishDue(index);

        const seenNow = new Set(
          pages
            .flatMap(([, { outcome, keep }, all]) =>
              outcome === 'failed' ? [] : all.filter((s) => outcome === 'complete' || keep[USERS.indexOf(s.userId)]),
            )
            .map((s) => s.userId),
        );
        const inLiveSet = await liveUsers(store);
        for (const user of USERS) {
          if (seenNow.has(user)) {
            missed.set(user, 0);
            assert.ok(inLiveSet.includes(user), `${user} is seen and so live`);
          } else if (missed.has(user)) {
            const couldEnd = step.user.outcome === 'complete' || step.game.outcome === 'complete';
            missed.set(user, (missed.get(user) ?? 0) + (couldEnd ? 1 : 0));
            if ((missed.get(user) ?? 0) < OFFLINE_AFTER_MISSES) {
              assert.ok(inLiveSet.includes(user), `${user} was missed only ${missed.get(user)} times`);
            }
          }
        }
      }
      for (let later = 0; pending.length > 0; later++) await publishDue(polls.length + later);

      assert.deepEqual([...new Set(published)].sort(), [...visible].sort(), 'nothing lost, nothing invented');
      const repeats = published.filter((id, i) => published.indexOf(id) !== i);
      assert.ok(
        repeats.every((id) => repeatable.has(id)),
        `only a death between confirm and mark repeats: ${repeats}`,
      );
    });
    await fc.assert(property, RUNS);
  });

  it('leave nothing of a target that was removed at any moment, and announce what the targets then there show', async () => {
    const target = fc.oneof(
      fc.record({ kind: fc.constant('user' as const), id: fc.constantFrom(...USERS) }),
      fc.record({ kind: fc.constant('game' as const), id: fc.constantFrom('g0', 'g1') }),
    );
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), target }),
      fc.record({ do: fc.constant('page' as const), kind: fc.constantFrom('user' as const, 'game' as const) }),
      fc.record({ do: fc.constant('diff' as const), retried: fc.boolean() }),
    );
    const scene = fc.record({
      steps: fc.array(step, { minLength: 5, maxLength: 40 }),
      games: fc.tuple(...USERS.map(() => fc.constantFrom(...GAMES))),
    });
    const property = fc.asyncProperty(scene, async ({ steps, games }) => {
      const store = emptyStore();
      const watched = { user: new Set<string>(), game: new Set<string>() };
      const live = USERS.map((user, i) => stream(`${user}-0`, user, NOON, games[i]));
      const watchedBy = (kind: TargetKind) =>
        live.filter(({ userId, gameId }) => watched[kind].has(kind === 'user' ? userId : gameId));
      const pages: { kind: TargetKind; streams: Stream[] }[] = [];
      const due = new Set<string>();
      const announced: string[] = [];
      const current = await TestPoll.open(store, NOON);
      for (const one of steps) {
        if (one.do === 'page') {
          pages.push({ kind: one.kind, streams: watchedBy(one.kind) });
        } else if (one.do === 'diff') {
          const page = pages.shift();
          if (!page) continue;
          const still = watchedBy(page.kind);
          for (const { id } of page.streams.filter((s) => still.includes(s))) due.add(id);
          const owner = current.nextOwner();
          const shown = { ...page, watch: false };
          if (one.retried) await current.diff(shown, owner);
          const result = await current.diff(shown, owner);
          assert.ok(!result.lost);
          const claimed = ids(result.events);
          announced.push(...claimed);
          await store.streams.markAnnounced(claimed);
        } else {
          const { kind, id } = one.target;
          if (one.do === 'add') await store.targets.add(kind, [id], 0);
          else await store.targets.remove(kind, [id]);
          watched[kind][one.do === 'add' ? 'add' : 'delete'](id);
        }
        for (const [user, text] of Object.entries(await store.connection.hgetall(store.keys.live))) {
          const { byUser, gameId } = readLiveEntry(text);
          assert.ok(byUser ? watched.user.has(user) : watched.game.has(gameId), `a target shows ${user}`);
        }
        const hot = await store.targets.listHot(undefined, USERS.length + 1);
        assert.deepEqual(
          hot.filter((user) => !watched.user.has(user)),
          [],
          'hot is only what is a target',
        );
      }
      assert.deepEqual(announced.sort(), [...due].sort());
    });
    await fc.assert(property, RUNS);
  });

  it('give the same announcements in any order of pages, with either FIRST_SIGHT', async () => {
    const entry = fc.record({
      user: fc.constantFrom(...USERS),
      nth: fc.nat({ max: 1 }),
      game: fc.constantFrom(...GAMES),
      kind: fc.constantFrom('user' as const, 'game' as const),
      startedBefore: fc.integer({ min: -30, max: 30 }),
    });
    const scene = fc.record({
      entries: fc.uniqueArray(entry, { maxLength: 12, selector: (e) => `${e.user}${e.nth}${e.kind}` }),
      firstSight: fc.constantFrom('announce' as const, 'silent' as const),
      added: fc.tuple(...[...USERS, ...GAMES].map(() => fc.integer({ min: -30, max: 30 }))),
      lost: fc.boolean(),
    });
    const property = fc.asyncProperty(
      scene.chain((s) =>
        fc.tuple(
          fc.constant(s),
          fc.shuffledSubarray(s.entries, { minLength: s.entries.length, maxLength: s.entries.length }),
        ),
      ),
      async ([{ entries, firstSight, added, lost }, shuffled]) => {
        const announced = async (order: typeof entries) => {
          const store = emptyStore();
          for (const [i, user] of USERS.entries()) await store.targets.add('user', [user], at(added[i]));
          for (const [i, game] of GAMES.entries()) await store.targets.add('game', [game], at(added[USERS.length + i]));
          const current = await TestPoll.open(store, NOON + 60 * MINUTE, lost ? NOON : 0, { firstSight });
          const found: string[] = [];
          for (const { user, nth, game, kind, startedBefore } of order) {
            // One stream has one start and one game in all the pages of a poll.
            const first = entries.find((e) => e.user === user && e.nth === nth) as (typeof entries)[number];
            const s = stream(`${user}-${nth}`, user, at(first.startedBefore ?? startedBefore), first.game ?? game);
            found.push(...ids(await current.announce({ kind, streams: [s] })));
          }
          return found.sort();
        };
        assert.deepEqual(await announced(shuffled), await announced(entries));
      },
    );
    await fc.assert(property, RUNS);
  });
});

function at(minutes: number | undefined): number {
  return NOON + (minutes ?? 0) * MINUTE;
}
