import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { userChecksDue } from '../../src/poll/frequency.ts';
import { emptyStores, MINUTE, NOON } from './support.ts';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('users that Twitch no longer knows', () => {
  const emptyStore = emptyStores();

  it('are gone when two checks in a row do not find them, an hour apart at least', async () => {
    const { targets } = emptyStore();
    await targets.add('user', ['1', '2', '3'], NOON);
    const check = (atMs: number, ...found: string[]) => targets.gone.note(['1', '2', '3'], new Set(found), atMs);
    const gone = async () => (await targets.gone.list()).map(({ id, sinceMs }) => [id, sinceMs]);
    await check(NOON, '1');
    await check(NOON + MINUTE, '1');
    assert.deepEqual(await gone(), [], 'a second attempt of the same check is no second check');
    await check(NOON + DAY, '1', '3');
    assert.deepEqual(await gone(), [['2', NOON]]);
    await check(NOON + 2 * DAY, '1');
    assert.deepEqual(await gone(), [['2', NOON]], '3 was there in between');
    await check(NOON + 3 * DAY, '1', '2');
    assert.deepEqual(await gone(), [['3', NOON + 2 * DAY]], 'a ban has ended');
    await targets.remove('user', ['3']);
    await check(NOON + 4 * DAY, '1', '2');
    assert.deepEqual(await gone(), []);
  });
});

describe('checks of users', () => {
  it('reach each user once a day, come together, and take a hundredth of the budget at most', () => {
    const input = fc.record({
      users: fc.integer({ min: 1, max: 3_000_000 }),
      rpm: fc.integer({ min: 60, max: 3_000 }),
      pollSeconds: fc.integer({ min: 1, max: 3_000 }),
    });
    fc.assert(
      fc.property(input, ({ users, rpm, pollSeconds }) => {
        let [checkedMs, checks, polls] = [0, 0, 0];
        const start = NOON;
        const days = 4;
        const step = Math.max(pollSeconds * 1_000, MINUTE);
        for (let nowMs = start; nowMs < start + days * DAY; nowMs += step) {
          const due = userChecksDue(users, checkedMs, rpm, nowMs);
          if (nowMs < start + 10 * MINUTE) assert.equal(due.checks, 0);
          checkedMs = due.noteMs ?? checkedMs;
          checks += due.checks;
          if (due.checks > 0) polls += 1;
        }
        assert.ok(polls <= days * 144 + 1, 'at most every tenth minute');
        assert.ok(checks <= days * 1_440 * rpm * 0.01 + 1, `${checks} requests`);
        const round = Math.ceil(users / 100);
        assert.ok(checks <= (days + 1) * round, 'nobody is checked oftener than daily');
        // Each time loses less than one check to rounding, and one poll to its place.
        const affordable = Math.min(round * days, days * 1_440 * rpm * 0.01, days * 144 * 100);
        if (step < 5 * MINUTE) assert.ok(checks >= affordable * 0.4 - 1, `${checks} of ${affordable}`);
      }),
    );
  });

  it('begin ten minutes after the first poll, and a clock that is set back does not stop them', () => {
    const { checks, noteMs } = userChecksDue(300, 0, 780, NOON);
    assert.equal(checks, 0);
    assert.equal(userChecksDue(300, noteMs ?? 0, 780, NOON + 10 * MINUTE - 1).checks, 0);
    assert.equal(userChecksDue(300, noteMs ?? 0, 780, NOON + 10 * MINUTE).checks, 1);
    assert.equal(userChecksDue(300, NOON + 10 * MINUTE, 780, NOON + 8 * HOUR).checks, 0);
    const back = userChecksDue(300, NOON + 365 * DAY, 780, NOON);
    assert.equal(userChecksDue(300, back.noteMs ?? 0, 780, NOON + 10 * MINUTE).checks, 1);
    assert.deepEqual(userChecksDue(0, 0, 780, NOON), { checks: 0 });
  });
});
