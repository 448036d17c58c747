import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frequencyWords, nextPollOf, pollingFrequency, type TargetPlace } from '../../src/poll/pollingFrequency.ts';
import type { PollReport } from '../../src/poll/report.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
/** Reports of polls that began so many seconds after noon, the newest first. */
const begun = (seconds: number[], newest: Partial<PollReport> = {}): Partial<PollReport>[] =>
  seconds.map((each, i) => ({
    startedAt: new Date(NOON + each * 1_000).toISOString(),
    ...(i === 0 && newest),
  }));
const rhythm = { hot: 412, dormant: 250_000, dormantPerPoll: 10_000 };
const words = (reports: Partial<PollReport>[]) => frequencyWords(pollingFrequency(reports));

describe('how often targets are polled', () => {
  it('is told for all of them', () => {
    assert.equal(
      words(begun([90, 60, 30, 0], { oldestTargetSeconds: 42 })),
      'All targets are polled every 30 s. When the last poll ended, none had waited longer than 42 s.',
    );
  });

  it('is told for those in every poll, and those that take turns', () => {
    assert.equal(
      words(begun([90.2, 59.9, 30, 0], { rhythm })),
      'Polled every 30 s: all games, and 412 users live lately or just added; ' +
        '250,000 other users by turns, each within 12 min 30 s.',
    );
  });

  it('is what was, also when polls take longer than the interval, or were paused or triggered in between', () => {
    assert.equal(pollingFrequency(begun([135, 90, 45, 0])).everySeconds, 45);
    assert.equal(pollingFrequency(begun([9_065, 9_062, 9_032, 60, 30, 0])).everySeconds, 30);
  });

  it('is not made up where it is not known', () => {
    assert.equal(words([]), 'All targets are polled in every poll.');
    assert.equal(words(begun([0])), 'All targets are polled in every poll.');
    assert.deepEqual(pollingFrequency([{ startedAt: 'nonsense' }, {}]), {});
    assert.match(words([{ rhythm: { ...rhythm, dormantPerPoll: 0 } }]), /other users by turns\.$/);
  });
});

describe('when a target is polled next', () => {
  const user: TargetPlace = { kind: 'user', hot: false, usersUntil: 0 };
  const reports = begun([60, 30, 0], { rhythm });
  const seconds = (target: TargetPlace, more: Partial<Parameters<typeof nextPollOf>[1]> = {}) => {
    const { why, atMs } = nextPollOf(target, { reports, nowMs: NOON + 70_000, ...more });
    return [why, atMs === undefined ? undefined : (atMs - NOON) / 1_000];
  };

  it('is the next poll for hot users and games, and for all where there are no turns', () => {
    assert.deepEqual(seconds({ ...user, hot: true }), ['next', 90]);
    assert.deepEqual(seconds({ ...user, kind: 'game' }), ['next', 90]);
    assert.deepEqual(seconds({ ...user, usersUntil: 99_999 }, { reports: begun([60, 30, 0]) }), ['next', 90]);
    assert.deepEqual(seconds({ ...user, hot: true }, { nextRunMs: NOON + 91_000 }), ['next', 91]);
    assert.deepEqual(
      seconds({ ...user, hot: true }, { nextRunMs: NOON + 61_000 }),
      ['next', 90],
      'a time that is past',
    );
  });

  it('is its turn for a dormant user', () => {
    assert.deepEqual(seconds({ ...user, usersUntil: 1 }), ['turn', 90]);
    assert.deepEqual(seconds({ ...user, usersUntil: 10_016 }), ['turn', 90]);
    assert.deepEqual(seconds({ ...user, usersUntil: 10_018 }), ['turn', 120]);
    assert.deepEqual(seconds({ ...user, usersUntil: 250_412 }), ['turn', 90 + 24 * 30]);
  });

  it('is the time of the next try for one that Twitch refuses', () => {
    assert.deepEqual(seconds({ ...user, retryAtMs: NOON + 600_000 }), ['again', 600]);
    assert.deepEqual(seconds({ ...user, hot: true, retryAtMs: NOON }), ['again', 90]);
    assert.deepEqual(seconds({ ...user, retryAtMs: NOON + 600_000 }, { reports: [] }), ['again', 600]);
  });

  it('is not told while polls are paused, or before there was one', () => {
    assert.deepEqual(seconds(user, { paused: true }), ['paused', undefined]);
    assert.deepEqual(seconds(user, { reports: [] }), ['next', undefined]);
    assert.deepEqual(seconds(user, { reports: [{ rhythm }] }), ['turn', undefined]);
  });
});
