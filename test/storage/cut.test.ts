import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Stream } from '../../src/poll/model.ts';
import { storeOn } from '../../src/storage/store.ts';
import { randomPrefix, redis } from '../support/services.ts';
import { openCut, uncutCommands, writingScripts } from './cutScripts.ts';
import { contents, OPERATIONS } from './operations.ts';
import { ids, liveUsers, MINUTE, NOON, openStore, type Store, stream, TestPoll } from './support.ts';

const MOST_WRITES = 200;

const USERS = ['u0', 'u1', 'u2'];
const GAMES = ['g0', 'g1'];
/** Who is on in which game; `u3` and `u4` are shown by games only, and `elsewhere` is no target. */
const shown = fc.tuple(
  ...[...USERS, 'u3', 'u4'].map(() =>
    fc.option(fc.record({ nth: fc.nat({ max: 1 }), game: fc.constantFrom(...GAMES, 'elsewhere') }), { freq: 3 }),
  ),
);
type Shown = typeof shown extends fc.Arbitrary<infer T> ? T : never;

const streamsOf = (given: Shown): Stream[] =>
  given.flatMap((one, n) => (one ? [stream(`u${n}-${one.nth}`, `u${n}`, NOON + one.nth, one.game)] : []));

/** One poll in full; what it announces goes into `announced`, also when a call behind that fails. */
async function pollAll(poll: TestPoll, given: Shown, announced: string[]): Promise<void> {
  const all = streamsOf(given);
  for (const [kind, streams, complete] of [
    ['user', all.filter(({ userId }) => USERS.includes(userId)), { users: USERS }],
    ['game', all.filter(({ gameId }) => GAMES.includes(gameId)), { games: GAMES }],
  ] as const) {
    announced.push(...ids(await poll.announce({ kind, streams, complete: { ...complete } as never })));
  }
}

/**
 * Dragonfly runs out of memory in the middle of a script, and what was written before stays. So every script is ended here
 * before each of its writes, and what an undisturbed run leaves has to come about all the same.
 */
describe('a script that ends before any of its writes', () => {
  let url: string;
  let opened: Store;
  before(async () => {
    ({ url } = await redis());
    opened = await openStore();
  });
  after(() => opened.connection.disconnect());

  it('is one whose writes this test knows', () => {
    assert.deepEqual(uncutCommands(), []);
  });

  const cutScripts = new Set<string>();
  for (const { name, prepare, act, essence = (result: unknown) => result } of OPERATIONS) {
    it(`is made up for by the next attempt: ${name}`, async (t) => {
      const prefix = randomPrefix();
      await prepare(storeOn(opened.connection, prefix));
      const undisturbed = essence(await act(storeOn(opened.connection, prefix)));
      const expected = { result: undisturbed, is: await contents(opened.connection, prefix) };

      let cuts = 0;
      for (; cuts < MOST_WRITES; cuts++) {
        const again = randomPrefix();
        const store = storeOn(opened.connection, again);
        await prepare(store);
        const cut = await openCut(url, cuts);
        const failure = await Promise.resolve(act(storeOn(cut, again))).then(
          () => undefined,
          (error: Error) => error.message,
        );
        cut.disconnect();
        if (failure === undefined) break;
        const [, script = failure] = /call to f_(\w+)\).*Out of memory/.exec(failure) ?? [];
        cutScripts.add(script);
        const result = essence(await act(store));
        assert.deepEqual(
          { result, is: await contents(opened.connection, again) },
          expected,
          `${script}, write ${cuts}`,
        );
      }
      t.diagnostic(`${cuts} cuts`);
    });
  }

  it('is made up for by later polls, if its own never comes back', async () => {
    const scene = fc.record({ before: shown, cut: shown, later: shown, write: fc.nat({ max: 35 }) });
    let cuts = 0;
    const property = fc.asyncProperty(scene, async ({ before, cut: during, later, write }) => {
      const prefix = randomPrefix();
      const store = storeOn(opened.connection, prefix);
      const { connection, keys } = store;
      await store.targets.add('user', USERS, 0, 0);
      await store.targets.add('game', GAMES, 0);
      const at = (no: number) => TestPoll.open(store, NOON + no * MINUTE, no === 0 ? 0 : NOON + (no - 1) * MINUTE);
      const announced: string[] = [];
      await pollAll(await at(0), before, announced);

      const opening = await at(1);
      const cut = await openCut(url, write);
      const broken = TestPoll.of(storeOn(cut, prefix), opening.ref);
      await pollAll(broken, during, announced).catch(() => {
        cuts += 1;
      });
      cut.disconnect();
      // Its lease runs out.
      for (const { id } of [...streamsOf(during), ...streamsOf(later)]) {
        if ((await connection.get(keys.mark(id)))?.startsWith('claim:')) await connection.del(keys.mark(id));
      }

      for (const no of [2, 3]) await pollAll(await at(no), later, announced);
      assert.equal(new Set(announced).size, announced.length, `nothing twice: ${announced}`);
      for (const { id, userId, gameId } of streamsOf(later)) {
        const watched = USERS.includes(userId) || GAMES.includes(gameId);
        assert.ok(!watched || announced.includes(id), `${id} was announced`);
      }
      const hot = await connection.zrange(keys.hot, 0, '-1');
      const until = await connection.zrange(keys.hotUntil, 0, '-1');
      assert.deepEqual(
        hot.filter((id) => !until.includes(id)),
        [],
        'who is hot cools',
      );

      for (const no of [4, 5]) await pollAll(await at(no), [null, null, null, null, null], announced);
      assert.deepEqual(await liveUsers(store), [], 'what has ended leaves the live set');
      const index = await connection.zrange(keys.liveByGame, 0, '-1');
      assert.deepEqual(
        index.filter((member) => !member.startsWith('elsewhere')),
        [],
      );
    });
    await fc.assert(property, { numRuns: 200 });
    assert.ok(cuts > 50, `${cuts} polls were cut`);
  });

  it('is every script that there is', () => {
    assert.deepEqual([...cutScripts].sort(), writingScripts().sort());
  });
});
