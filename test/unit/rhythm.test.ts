import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dormantPerPoll, type RhythmInput } from '../../src/activities/rhythm.ts';
import { finishReport, newReport, type PollReport, readLastReport } from '../../src/workflows/report.ts';

const typical: RhythmInput = {
  users: 100_000,
  hot: 20_000,
  gameRequests: 0,
  intervalSeconds: 30,
  requestsPerMinute: 780,
  dormantMaxSeconds: 900,
};

describe('the rhythm', () => {
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

describe('a finished report', () => {
  const at = (seconds: number) => seconds * 1_000;
  const finish = (change: Partial<PollReport>, startedSeconds: number, before: unknown, turn?: { after?: string }) => {
    const report = { ...newReport('p', at(startedSeconds)), ...change };
    finishReport(report, {
      startedMs: at(startedSeconds),
      endedMs: at(startedSeconds + 40),
      last: readLastReport(before),
      intervalSeconds: 30,
      requestsPerMinute: 780,
      turn,
    });
    return report;
  };
  const rhythm = { hot: 1, dormant: 3, dormantPerPoll: 100 };

  it('knows how old the oldest sight is', () => {
    const first = finish({}, 1_000, undefined);
    assert.deepEqual([first.oldestTargetSeconds, first.lastCompleteAt], [40, first.startedAt]);
    const partial = finish({ failedBatches: 1 }, 1_100, first);
    assert.deepEqual([partial.oldestTargetSeconds, partial.lastCompleteAt], [140, first.startedAt]);
  });

  it('is complete again when all dormant users have had their turn, unless a batch of it failed', () => {
    const first = finish({}, 1_000, undefined);
    const second = finish({ rhythm }, 1_100, first, { after: 'm' });
    const third = finish({ rhythm }, 1_200, second, {});
    assert.deepEqual([second.lastCompleteAt, third.lastCompleteAt], [first.startedAt, second.startedAt]);
    const fourth = finish({ rhythm, failedBatches: 1 }, 1_300, third, { after: 'm' });
    const fifth = finish({ rhythm }, 1_400, fourth, {});
    assert.equal(fifth.lastCompleteAt, second.startedAt);
    const sixth = finish({ rhythm }, 1_500, fifth, {});
    assert.equal(sixth.lastCompleteAt, sixth.startedAt, 'the next turn is a new one');
  });

  it('says what would keep the interval when the budget does not', () => {
    const { advice } = finish({ requests: 500, targets: 50_000 }, 1_000, undefined);
    assert.match(
      advice ?? '',
      /500 requests at 780 a minute take 39 s.*POLL_INTERVAL_SECONDS.*every 39 s or .* 38400 targets/,
    );
    assert.equal(finish({ requests: 100, targets: 10_000 }, 1_000, undefined).advice, undefined);
  });
});
