import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { finishReport, newReport, type PollReport, readLastReport } from '../../src/poll/report.ts';
import { addMissed, type Missed } from '../../src/poll/unpolled.ts';

describe('a finished report', () => {
  const at = (seconds: number) => seconds * 1_000;
  const finish = (
    change: Partial<PollReport>,
    startedSeconds: number,
    before: unknown,
    turn?: { after?: string },
    missed: Missed[] = [],
  ) => {
    const report = { ...newReport('p', at(startedSeconds)), ...change };
    finishReport(report, {
      startedMs: at(startedSeconds),
      endedMs: at(startedSeconds + 40),
      last: readLastReport(before),
      intervalSeconds: 30,
      requestsPerMinute: 780,
      turn,
      missed,
    });
    return report;
  };
  const rhythm = { hot: 1, dormant: 3, dormantPerPoll: 100 };

  const miss = (first: string, last: string, batch = 0, more: Partial<Missed> = {}): Missed => ({
    ...{ firstBatch: batch, lastBatch: batch, kind: 'user', first, last, targets: 100 },
    ...more,
  });

  it('knows how old the oldest sight is', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    assert.deepEqual([first.oldestTargetSeconds, first.lastCompleteAt], [40, first.startedAt]);
    const partial = finish({ targets: 300 }, 1_100, first, undefined, [miss('a', 'c')]);
    assert.deepEqual([partial.oldestTargetSeconds, partial.lastCompleteAt], [140, partial.startedAt]);
    assert.deepEqual(partial.unpolled, [
      { kind: 'user', first: 'a', last: 'c', targets: 100, sinceMs: at(1_000), missedMs: at(1_100) },
    ]);
  });

  it('keeps a range’s times for as long as it is missed, and drops it when it is reached', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    const second = finish({ targets: 300 }, 1_100, first, undefined, [miss('a', 'c')]);
    const third = finish({ targets: 300 }, 1_200, second, undefined, [miss('b', 'd'), miss('x', 'z', 5)]);
    const times = third.unpolled?.map(({ sinceMs, missedMs }) => [sinceMs, missedMs]);
    assert.deepEqual(times, [
      [at(1_000), at(1_100)],
      [at(1_100), at(1_200)],
    ]);
    const fourth = finish({ targets: 300 }, 1_300, JSON.parse(JSON.stringify(third)));
    assert.deepEqual([fourth.unpolled, fourth.lastCompleteAt], [undefined, fourth.startedAt]);
    assert.equal(fourth.oldestTargetSeconds, 40);
  });

  it('is not complete when nothing was reached, or more is missing than it can name', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    const nothing = finish({ targets: 300 }, 1_100, first, undefined, [miss('a', 'z', 0, { targets: 300 })]);
    assert.equal(nothing.lastCompleteAt, first.startedAt);
    const many = Array.from({ length: 21 }, (_, i) => miss(`a${i}`, `a${i}`, 2 * i));
    const much = finish({ targets: 30_000 }, 1_100, first, undefined, many);
    assert.deepEqual([much.lastCompleteAt, much.unpolled?.length], [first.startedAt, 20]);
  });

  it('is complete again when all dormant users have had their turn', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    const second = finish({ rhythm, targets: 300 }, 1_100, first, { after: 'm' });
    const third = finish({ rhythm, targets: 300 }, 1_200, second, {});
    assert.deepEqual([second.lastCompleteAt, third.lastCompleteAt], [first.startedAt, second.startedAt]);
    const sixth = finish({ rhythm, targets: 300 }, 1_300, third, {});
    assert.equal(sixth.lastCompleteAt, sixth.startedAt, 'the next turn is a new one');
  });

  it('keeps what a turn missed until their turn comes again', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    const missed = [miss('c', 'd'), miss('h', 'i', 3, { hot: true })];
    const second = finish({ rhythm, targets: 300 }, 1_100, first, { after: 'm' }, missed);
    const third = finish({ rhythm, targets: 300 }, 1_200, second, {});
    assert.deepEqual(
      third.unpolled?.map((range) => range.first),
      ['c'],
      'hot users were reached by this poll, the dormant ones wait for theirs',
    );
    assert.equal(third.lastCompleteAt, second.startedAt, 'complete for the others');
    const fourth = finish({ rhythm, targets: 300 }, 1_300, third, { after: 'm' });
    assert.equal(fourth.unpolled, undefined);
  });

  it('is not complete after a turn in which a poll reached nothing', () => {
    const first = finish({ targets: 300 }, 1_000, undefined);
    const nothing = [miss('a', 'z', 0, { targets: 300 })];
    const fourth = finish({ rhythm, targets: 300 }, 1_300, first, { after: 'm' }, nothing);
    const fifth = finish({ rhythm, targets: 300 }, 1_400, fourth, {});
    assert.equal(fifth.lastCompleteAt, first.startedAt);
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

describe('batches that a poll missed', () => {
  it('are joined with their neighbours, in whatever order they fail', () => {
    const batch = fc.record({ no: fc.nat({ max: 60 }), kind: fc.constantFrom('user' as const, 'game' as const) });
    fc.assert(
      fc.property(fc.uniqueArray(batch, { selector: ({ no }) => no, maxLength: 60 }), (batches) => {
        const name = (no: number) => String(1_000 + no);
        const missed = batches.reduce<Missed[]>(
          (all, { no, kind }) =>
            addMissed(all, { firstBatch: no, lastBatch: no, kind, first: name(no), last: name(no), targets: 1 }),
          [],
        );
        const runs = batches.filter(({ no, kind }) => !batches.some((b) => b.no === no - 1 && b.kind === kind));
        assert.equal(missed.length, runs.length);
        assert.equal(
          missed.reduce((sum, { targets }) => sum + targets, 0),
          batches.length,
        );
        for (const { no, kind } of batches) {
          assert.ok(missed.some((m) => m.kind === kind && m.first <= name(no) && name(no) <= m.last));
        }
      }),
    );
  });

  it('are counted once, though a batch is missed twice', () => {
    const missed: Missed = { firstBatch: 3, lastBatch: 3, kind: 'user', first: 'a', last: 'b', targets: 7 };
    assert.deepEqual(addMissed([missed], missed), [missed]);
  });
});
