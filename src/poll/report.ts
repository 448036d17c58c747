import type { Sinks } from '@temporalio/workflow';
import { IDS_PER_REQUEST } from './model.ts';
import { type Missed, MOST_RANGES, readUnpolled, type UnpolledRange, unpolledAfter } from './unpolled.ts';

/** The result of a poll, shown in the Temporal Web UI and handed to the next poll by the schedule. */
export interface PollReport {
  pollId: string;
  /** RFC 3339, by Temporal's clock. */
  startedAt: string;
  durationMs: number;
  /** Targets that were found; those of failed batches were not polled. */
  targets: number;
  batches: number;
  /** Helix requests, failed ones included. */
  requests: number;
  pages: number;
  /** Size of the live set after the poll. */
  live: number;
  /** Messages that the broker has confirmed. */
  announced: number;
  /** Events that a `deliverStreams` workflow delivers, because the broker was away. */
  handedOver: number;
  /** New streams that were suppressed: no message tells of them. */
  silent: number;
  ended: number;
  /** Batches that were not polled, or not compared because their pages were gone. */
  failedBatches: number;
  /** Batches whose pages broke off (bad cursor, page cap, unreadable entries): they added, but removed nothing. */
  incompleteBatches: number;
  /** Streams that the store could not compare with what it knows: left out, and tried again by the next poll. */
  skipped?: number;
  /** Targets that Twitch refuses to be asked for: they are set aside, and tried again rarely. */
  refused: number;
  /** User targets that Twitch no longer knows; absent when there are none. */
  gone?: number;
  /** Failed requests by kind: `rate_limited`, `unauthorized`, `server`, `network`, `invalid_response`, … */
  failedRequests: Record<string, number>;
  /** The store had lost what earlier polls wrote. */
  stateLost: boolean;
  /**
   * The greatest version of the store that the poll saw. The store counts openings and comparisons: one that the next
   * poll finds below this has come back empty or from a snapshot.
   */
  storeVersion?: number;
  /** Every target but those of `unpolled` has been polled since then: the start of this poll or of an earlier one. */
  lastCompleteAt?: string;
  /** Targets that polls do not reach, in at most 20 ranges; absent when there are none. */
  unpolled?: UnpolledRange[];
  /** At the end of the poll: how long ago the target was polled that waits the longest. */
  oldestTargetSeconds?: number;
  /** Requests for game targets, all pages. */
  gameRequests: number;
  /** When not all targets fit into the interval: how many users are in every poll, and how many take turns. */
  rhythm?: { hot: number; dormant: number; dormantPerPoll: number };
  /** The dormant users' turn: since when, and how far. Without `after` it is complete, and the next poll begins another. */
  turn?: { startedAt: string; after?: string; failed: boolean };
  /** What would keep the interval, when the request budget does not. */
  advice?: string;
  /** The first few distinct reasons of failed batches. */
  problems: string[];
}

/** Where a poll tells the worker process, outside of the history, that a run of it has begun, and that it has ended well. */
export interface PollSinks extends Sinks {
  polls: { began(): void; ended(report: PollReport): void };
}

const MOST_PROBLEMS = 5;
const PROBLEM_LENGTH = 200;

export function newReport(pollId: string, startedMs: number): PollReport {
  return {
    pollId,
    startedAt: new Date(startedMs).toISOString(),
    durationMs: 0,
    targets: 0,
    batches: 0,
    requests: 0,
    pages: 0,
    live: 0,
    announced: 0,
    handedOver: 0,
    silent: 0,
    ended: 0,
    failedBatches: 0,
    incompleteBatches: 0,
    refused: 0,
    failedRequests: {},
    gameRequests: 0,
    stateLost: false,
    problems: [],
  };
}

export function noteProblem(report: PollReport, problem: string): void {
  const text = problem.slice(0, PROBLEM_LENGTH).toWellFormed();
  if (report.problems.length < MOST_PROBLEMS && !report.problems.includes(text)) report.problems.push(text);
}

/** Notes what the store has counted. It only grows, unless the store has lost what was written. */
export function noteStoreVersion(report: PollReport, version = 0): void {
  if (version > (report.storeVersion ?? 0)) report.storeVersion = version;
}

/** Counts requests that failed, a kind for each. */
export function noteFailedRequests(report: PollReport, kinds: readonly string[]): void {
  report.requests += kinds.length;
  for (const kind of kinds) report.failedRequests[kind] = (report.failedRequests[kind] ?? 0) + 1;
}

/** What a poll has to know of the one before it; times in Unix milliseconds, 0 where unknown. */
export interface LastPoll {
  pollMs: number;
  /** Absent if the report is from before it had one. */
  storeVersion?: number;
  completeMs: number;
  gameRequests: number;
  /** When the dormant users' present turn began, 0 if none is under way. */
  turnMs: number;
  turnAfter?: string;
  turnFailed: boolean;
  /** Absent in histories of before there were ranges. */
  unpolled?: UnpolledRange[];
  hadAdvice: boolean;
  /** The broker was away longer than an interval. */
  brokerAway: boolean;
}

/** Reads the schedule's last completion result, which may have been written by another version of this code. */
export function readLastReport(result: unknown): LastPoll {
  const report = (result ?? {}) as Partial<Record<keyof PollReport, unknown>>;
  const turn = (report.turn ?? {}) as Partial<Record<keyof NonNullable<PollReport['turn']>, unknown>>;
  const ms = (time: unknown) => (typeof time === 'string' && Date.parse(time)) || 0;
  const underWay = typeof turn.after === 'string';
  return {
    pollMs: ms(report.startedAt),
    ...(Number(report.storeVersion) > 0 && { storeVersion: Number(report.storeVersion) }),
    completeMs: ms(report.lastCompleteAt),
    gameRequests: Number(report.gameRequests) || 0,
    turnMs: underWay ? ms(turn.startedAt) : 0,
    ...(typeof turn.after === 'string' && { turnAfter: turn.after }),
    turnFailed: underWay && turn.failed === true,
    ...(report.unpolled !== undefined && { unpolled: readUnpolled(report.unpolled) }),
    hadAdvice: typeof report.advice === 'string',
    brokerAway: Number(report.handedOver) > 0,
  };
}

/** Finishes a report when the poll has ended: how fresh all targets are, and what would keep the interval. */
export function finishReport(report: PollReport, poll: FinishedPoll): void {
  const { startedMs, endedMs, last, turn, missed } = poll;
  const unpolled = unpolledAfter({
    startedMs,
    lastCompleteMs: last.completeMs,
    before: last.unpolled ?? [],
    missed,
    ...(report.rhythm && { turn: sectionOf(last, turn) }),
  });
  const missedTargets = missed.reduce((sum, { targets }) => sum + targets, 0);
  const failed = unpolled.length > MOST_RANGES || (missedTargets > 0 && missedTargets >= report.targets);
  let completeMs = last.completeMs;
  if (!report.rhythm) {
    if (!failed) completeMs = startedMs;
  } else {
    const turnMs = last.turnMs || startedMs;
    const turnFailed = failed || last.turnFailed;
    report.turn = { startedAt: new Date(turnMs).toISOString(), ...turn, failed: turnFailed };
    if (turn && turn.after === undefined && !turnFailed) completeMs = turnMs;
  }
  if (unpolled.length > 0) report.unpolled = unpolled.slice(0, MOST_RANGES);
  if (completeMs > 0) {
    report.lastCompleteAt = new Date(completeMs).toISOString();
    const oldestMs = Math.min(completeMs, ...unpolled.map(({ sinceMs, missedMs }) => sinceMs || missedMs));
    report.oldestTargetSeconds = Math.round((endedMs - oldestMs) / 1_000);
  }
  report.durationMs = endedMs - startedMs;
  const advice = advise(report, poll);
  if (advice) report.advice = advice;
}

export interface FinishedPoll {
  /** Unix milliseconds. */
  startedMs: number;
  endedMs: number;
  last: LastPoll;
  intervalSeconds: number;
  requestsPerMinute: number;
  /** How far the dormant users' turn came in this poll. */
  turn: { after?: string } | undefined;
  missed: readonly Missed[];
}

/** The dormant users whose turn came in this poll. */
function sectionOf({ turnAfter }: LastPoll, turn: { after?: string } | undefined): { after?: string; to?: string } {
  const from = turnAfter === undefined ? {} : { after: turnAfter };
  // Without a turn none was polled.
  const to = turn ? turn.after : (turnAfter ?? '');
  return { ...from, ...(to !== undefined && { to }) };
}

function advise(report: PollReport, { intervalSeconds, requestsPerMinute }: FinishedPoll): string | undefined {
  const { requests, targets, durationMs, rhythm } = report;
  const neededSeconds = Math.ceil((requests * 60) / requestsPerMinute);
  if (durationMs <= intervalSeconds * 1_000 || neededSeconds <= intervalSeconds) return undefined;
  const most = Math.floor((targets * intervalSeconds) / neededSeconds / IDS_PER_REQUEST) * IDS_PER_REQUEST;
  const what = rhythm ? `${rhythm.hot} users that were live lately` : `${targets} targets`;
  return (
    `${requests} requests at ${requestsPerMinute} a minute take ${neededSeconds} s, longer than the interval of ` +
    `${intervalSeconds} s (POLL_INTERVAL_SECONDS): the next poll starts at once. To keep the interval with ${what}, ` +
    `poll every ${neededSeconds} s or watch at most ${most} targets`
  );
}
