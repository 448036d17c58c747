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
  /** New streams that were taken in without a message. */
  silent: number;
  ended: number;
  /** Batches that were not polled, or not compared because their pages were gone. */
  failedBatches: number;
  /** Batches whose pages broke off (bad cursor, page cap, unreadable entries): they added, but removed nothing. */
  incompleteBatches: number;
  /** Failed requests by kind: `rate_limited`, `unauthorized`, `server`, `network`, `invalid_response`, … */
  failedRequests: Record<string, number>;
  /** The store had lost what earlier polls wrote. */
  stateLost: boolean;
  /** Start of the last poll that reached every target: this one, or an earlier one. */
  lastCompleteAt?: string;
  /** The first few distinct reasons of failed batches. */
  problems: string[];
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
    failedRequests: {},
    stateLost: false,
    problems: [],
  };
}

export function noteProblem(report: PollReport, problem: string): void {
  const text = problem.slice(0, PROBLEM_LENGTH);
  if (report.problems.length < MOST_PROBLEMS && !report.problems.includes(text)) report.problems.push(text);
}

/** Counts requests that failed, a kind for each. */
export function noteFailedRequests(report: PollReport, kinds: readonly string[]): void {
  report.requests += kinds.length;
  for (const kind of kinds) report.failedRequests[kind] = (report.failedRequests[kind] ?? 0) + 1;
}

/**
 * What a poll has to know of the one before, in Unix milliseconds, 0 where unknown. The result comes from the schedule
 * and may have been written by another version of this code.
 */
export function readLastReport(result: unknown): { lastPollMs: number; lastCompleteMs: number } {
  const report = (result ?? {}) as Partial<Record<keyof PollReport, unknown>>;
  const ms = (time: unknown) => (typeof time === 'string' && Date.parse(time)) || 0;
  return { lastPollMs: ms(report.startedAt), lastCompleteMs: ms(report.lastCompleteAt) };
}
