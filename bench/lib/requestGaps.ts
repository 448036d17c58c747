import type { RunStats } from './histories.ts';

/** Pauses between the last request of one run and the first of the next. */
export interface Boundary {
  kind: 'two polls' | 'two runs of a poll';
  gaps: number[];
}

/**
 * @param runs closed runs, oldest first
 * @param requestsMs times of all requests in order
 */
export function requestGaps(
  runs: readonly RunStats[],
  requestsMs: readonly number[],
  fromMs: number,
  toMs: number,
): Boundary[] {
  const polls: Boundary = { kind: 'two polls', gaps: [] };
  const continued: Boundary = { kind: 'two runs of a poll', gaps: [] };
  for (const run of runs) {
    // The run that follows may begin in the millisecond in which this one ends, so nothing of it is before that.
    const { closedMs } = run;
    if (closedMs < fromMs || closedMs > toMs) continue;
    const next = requestsMs.findIndex((ms) => ms > closedMs);
    if (next < 1) continue;
    const gap = (requestsMs[next] as number) - (requestsMs[next - 1] as number);
    (run.continued ? continued : polls).gaps.push(gap);
  }
  return [polls, continued].filter(({ gaps }) => gaps.length > 0);
}
