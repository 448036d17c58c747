import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dormantPerPoll, type FrequencyInput, userChecksDue } from '../../src/poll/frequency.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-01-01T12:00:00Z');

const typical: FrequencyInput = {
  users: 100_000,
  hot: 20_000,
  gameRequests: 0,
  intervalSeconds: 30,
  requestsPerMinute: 780,
  dormantMaxSeconds: 900,
};

describe('the polling frequency', () => {
  it('is the same for every target as long as a poll fits into the interval', () => {
    assert.equal(dormantPerPoll({ ...typical, users: 39_000, hot: 0 }), 'all');
    assert.notEqual(dormantPerPoll({ ...typical, users: 39_200 }), 'all');
  });

  it('gives dormant users what the others leave of the interval', () => {
    assert.equal(dormantPerPoll(typical), (390 - 200) * 100);
  });

  it('gives them a third of the requests when the others leave nothing', () => {
    assert.equal(dormantPerPoll({ ...typical, intervalSeconds: 5 }), 10_000);
  });

  it('is the same for every target when the dormant ones alone take longer than they may wait', () => {
    assert.equal(dormantPerPoll({ ...typical, users: 2_000_000 }), 'all');
  });

  it('polls each dormant user within DORMANT_MAX_SECONDS, whatever the numbers', () => {
    const input = fc.record({
      users: fc.nat({ max: 1_500_000 }),
      hot: fc.nat({ max: 1_500_000 }),
      gameRequests: fc.nat({ max: 2_000 }),
      intervalSeconds: fc.integer({ min: 1, max: 600 }),
      requestsPerMinute: fc.integer({ min: 10, max: 10_000 }),
      dormantMaxSeconds: fc.integer({ min: 600, max: 86_400 }),
    });
    fc.assert(
      fc.property(input, (given) => {
        const { users, intervalSeconds, requestsPerMinute, dormantMaxSeconds, gameRequests } = given;
        const hot = Math.min(given.hot, users);
        const ids = dormantPerPoll({ ...given, hot });
        if (ids === 'all') return;
        assert.ok(ids > 0 && ids % 100 === 0 && ids < users - hot + 100);
        const requests = Math.ceil(hot / 100) + gameRequests + ids / 100;
        const pollSeconds = Math.max(intervalSeconds, (requests * 60) / requestsPerMinute);
        const turns = Math.ceil((users - hot) / 100) / (ids / 100);
        assert.ok(turns * pollSeconds <= dormantMaxSeconds * 1.01, `${turns * pollSeconds} s`);
      }),
    );
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
