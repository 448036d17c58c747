import { VISIBILITY_LAG_MS } from '../../../src/storage/streams.ts';
import type { Evidence } from './evidence.ts';
import type { PollRecord } from './polls.ts';
import type { Sight, TrueStream } from './truth.ts';

/** What has to become of a stream. */
export type Expectation =
  | { arrives: 'must'; because: string }
  | { arrives: 'may'; because: 'not polled' | 'taken in silently' }
  | { arrives: 'must not'; because: string };

/** How long polls may have failed before the store lost everything: the margin counts from the last good one. */
const POLLS_FAILED_MS = 120_000;

/** The store lost everything while the stream was visible or before, and it had started well before that. */
function isTakenInSilently({ faults }: Evidence, stream: TrueStream): boolean {
  const lastMs = Math.max(...stream.sights.map(({ toMs }) => toMs));
  return faults.some(
    ({ kind, startMs, endMs }) => kind.loses && startMs <= lastMs && stream.startedMs < endMs - VISIBILITY_LAG_MS,
  );
}

/** After a loss at `fault`, this stream is announced again if it is still on: it had started too late to be known. */
export function isAnnouncedAfterLoss(stream: TrueStream, lossStartMs: number): boolean {
  return stream.startedMs >= lossStartMs - VISIBILITY_LAG_MS - POLLS_FAILED_MS;
}

/** A poll that has been through every target, so that whatever it read has been compared with the live set. */
function isComplete({ targets }: Evidence, { status, report }: PollRecord): boolean {
  return status === 'COMPLETED' && report?.failedBatches === 0 && report.targets === targets;
}

/** Twitch showed everything to this poll, on every page. */
function isWhole({ faults }: Evidence, { startMs, endMs, report }: PollRecord): boolean {
  const hidden = faults.some((fault) => fault.kind.hides && fault.startMs <= endMs && fault.endMs >= startMs);
  return report?.incompleteBatches === 0 && !hidden;
}

/**
 * The poll that proves that a stream was visible to the service, if there is one: it was complete, and either it read
 * the stream (its page was staged), or a target showed the stream from the poll's start to its end. With game targets
 * the latter proves nothing for a stream that was never served: pages shift while they are read.
 */
function provingPoll(evidence: Evidence, stream: TrueStream): PollRecord | undefined {
  const readBy = evidence.readBy.get(stream.id);
  const servedMs = evidence.firstServedAtMs(stream.id) ?? Number.POSITIVE_INFINITY;
  const covers = ({ target, fromMs, toMs }: Sight, { startMs, endMs }: PollRecord) =>
    fromMs <= startMs && toMs >= endMs && (target.startsWith('user:') || servedMs <= endMs);
  return evidence.polls.find((poll) => {
    if (!poll.report || !isComplete(evidence, poll)) return false;
    if (readBy?.has(poll.report.pollId)) return true;
    return isWhole(evidence, poll) && stream.sights.some((sight) => covers(sight, poll));
  });
}

/**
 * What may be missed is this and no more:
 * - a stream that no completed poll was shown: it started and ended while Twitch could not be reached, while no worker
 *   ran, or between two polls (`not polled`);
 * - a stream that was new to the service, but had started well before the last good poll, when the store came back
 *   empty: it can't be told from those that were announced before (`taken in silently`).
 */
export function expectation(evidence: Evidence, stream: TrueStream): Expectation {
  if (stream.sights.length === 0) return { arrives: 'must not', because: 'no target ever showed it' };
  const lossSeen = evidence.faults.some(({ kind, startMs }) => kind.loses && startMs <= Math.max(...ends(stream)));
  if (evidence.firstSight === 'silent' && stream.startedMs < evidence.addedMs) {
    // Targets that come back after a loss count as watched all along, so that what started before is announced.
    if (lossSeen) return { arrives: 'may', because: 'taken in silently' };
    return { arrives: 'must not', because: 'it had started before its target was added, with FIRST_SIGHT=silent' };
  }
  if (isTakenInSilently(evidence, stream)) return { arrives: 'may', because: 'taken in silently' };
  const poll = provingPoll(evidence, stream);
  if (!poll) return { arrives: 'may', because: 'not polled' };
  return { arrives: 'must', because: `poll ${poll.workflowId} saw it` };
}

function ends({ sights }: TrueStream): number[] {
  return sights.map(({ toMs }) => toMs);
}
