import { VISIBILITY_LAG_MS } from '../../../src/poll/limits.ts';
import { pollIdOf } from '../../../src/poll/names.ts';
import type { FaultRecord } from '../fault.ts';
import type { Evidence } from './evidence.ts';
import { isWholeWalk, type PollRecord } from './polls.ts';
import type { Sight, TrueStream } from './truth.ts';

/** Why a stream may be missed. This is the whole list. */
export type Excuse =
  /**
   * No completed poll was shown it: it started and ended while Twitch could not be reached or refused its target, while
   * the target was removed, while no worker ran, or between two polls.
   */
  | 'not polled'
  /**
   * It was new to the service, but had started well before the last good poll when the store came back empty: then it
   * can't be told from those that were announced before. Or, with FIRST_SIGHT=silent, it had started before its target was
   * added again.
   */
  | 'suppressed'
  /**
   * The poll that found it was terminated from outside between claim and publication, and it had ended before the lease
   * of that claim was over.
   */
  | 'claimed by a terminated poll'
  /**
   * A poll was comparing it when the store lost everything, and never learned what it had claimed there: its worker was
   * killed, or the reply was lost. Other polls had left the stream to it, and it ended or counted as old after that.
   */
  | 'claim lost with the store';

/** What has to become of a stream. */
export type Expectation =
  | { arrives: 'must' | 'must not'; because: string }
  /** It has arrived or not; either is right. */
  | { arrives: 'may'; because: Excuse };

/** How long polls may have failed before the store lost everything: the margin counts from the last good one. */
const POLLS_FAILED_MS = 120_000;
/** The lease of a claim, the activity that outlives its workflow, and the poll after that. */
const TERMINATED_CLAIM_MS = 60_000 + 15_000;

/** After a loss that began then, this stream is announced again if it is still on: it started too late to be known. */
export function isAnnouncedAfterLoss(stream: TrueStream, lossStartMs: number): boolean {
  return stream.startedMs >= lossStartMs - VISIBILITY_LAG_MS - POLLS_FAILED_MS;
}

/** A poll that has been through every target, so that whatever it read has been compared with the live set. */
function isComplete({ targets }: Evidence, { status, report }: PollRecord): boolean {
  return status === 'COMPLETED' && isWholeWalk(report, targets);
}

/** Twitch showed everything to this poll, on every page. */
function isWhole({ faults }: Evidence, { startMs, endMs, report }: PollRecord): boolean {
  const hidden = faults.some((fault) => fault.kind.hides && fault.startMs <= endMs && fault.endMs >= startMs);
  return report?.incompleteBatches === 0 && !hidden;
}

/** Whatever this poll staged was compared: no worker was killed between staging and the end of its activity, and no page got lost. */
function comparesWhatItStages({ faults }: Evidence, { status, startMs, endMs, report }: PollRecord): boolean {
  if (status !== 'COMPLETED') return false;
  const disturbs = ({ kind, startMs: fromMs, recoveredMs }: FaultRecord) =>
    (kind.part === 'worker' || kind.part === 'store') && fromMs <= endMs && recoveredMs >= startMs;
  return report?.failedBatches === 0 || !faults.some(disturbs);
}

/**
 * The polls that prove that a stream was visible to the service: each read the stream (its page was staged) and compared
 * what it read, or was complete while a target showed the stream from the poll's start to its end. With game targets the
 * latter proves nothing for a stream that was never served: pages shift while they are read.
 */
function provingPolls(evidence: Evidence, stream: TrueStream): PollRecord[] {
  const readBy = evidence.readBy.get(stream.id);
  const servedMs = evidence.firstServedAtMs(stream.id) ?? Number.POSITIVE_INFINITY;
  const covers = (sight: Sight, poll: PollRecord) =>
    sight.fromMs <= poll.startMs &&
    sight.toMs >= poll.endMs &&
    (sight.target.startsWith('user:') || servedMs <= poll.endMs) &&
    !isDoubtful(evidence, sight, poll) &&
    !isFirstSight(evidence, stream, sight);
  return evidence.polls.filter((poll) => {
    // A page that was read is compared without the streams of targets that have been removed since.
    const doubtful = stream.sights.some((sight) => {
      const first = isFirstSight(evidence, stream, sight) && sight.fromMs <= poll.endMs && sight.toMs >= poll.startMs;
      return first || isDoubtful(evidence, sight, poll);
    });
    if (readBy?.has(idOf(poll)) && !doubtful && comparesWhatItStages(evidence, poll)) return true;
    return isComplete(evidence, poll) && isWhole(evidence, poll) && stream.sights.some((sight) => covers(sight, poll));
  });
}

/** Something was uncertain of the target that showed a stream while this poll ran. */
function isDoubtful({ doubts }: Evidence, { target }: Sight, { startMs, endMs }: PollRecord): boolean {
  return doubts.some(({ targets, fromMs, toMs }) => targets.has(target) && fromMs <= endMs && toMs >= startMs);
}

/** The stream had started before this target was added again, and first sights are to be silent. */
function isFirstSight({ doubts, firstSight }: Evidence, { startedMs }: TrueStream, { target, toMs }: Sight): boolean {
  if (firstSight !== 'silent') return false;
  return doubts.some(
    (doubt) => doubt.removed && doubt.targets.has(target) && doubt.toMs <= toMs && startedMs < doubt.toMs,
  );
}

const idOf = ({ workflowId, runId }: PollRecord) => pollIdOf(workflowId, runId);

/** What has to become of a stream, from what is known of the world, the polls and the faults. */
export function expectation(evidence: Evidence, stream: TrueStream): Expectation {
  if (stream.sights.length === 0) return { arrives: 'must not', because: 'no target ever showed it' };
  const lastMs = Math.max(...stream.sights.map(({ toMs }) => toMs));
  const allLosses = evidence.faults.filter(({ kind }) => kind.loses);
  const losses = allLosses.filter(({ startMs }) => startMs <= lastMs);
  if (evidence.firstSight === 'silent' && stream.startedMs < evidence.addedMs) {
    // Targets that come back after a loss count as watched all along, so that what started before may be announced.
    if (losses.some(({ startMs }) => isAnnouncedAfterLoss(stream, startMs))) {
      return { arrives: 'may', because: 'suppressed' };
    }
    return { arrives: 'must not', because: 'it had started before its target was added, with FIRST_SIGHT=silent' };
  }

  const proving = provingPolls(evidence, stream);
  if (proving.length === 0) {
    const first = stream.sights.some((sight) => isFirstSight(evidence, stream, sight));
    return { arrives: 'may', because: first ? 'suppressed' : 'not polled' };
  }
  const silenced = losses.find(({ endMs }) => stream.startedMs < endMs - VISIBILITY_LAG_MS);
  const early = silenced ? proving.filter(({ endMs }) => endMs < silenced.startMs) : proving;
  if (early.length === 0) return { arrives: 'may', because: 'suppressed' };
  const readers = evidence.polls.filter((poll) => evidence.readBy.get(stream.id)?.has(idOf(poll)));
  const terminated = readers
    .filter(({ status }) => status === 'TERMINATED')
    .map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs + TERMINATED_CLAIM_MS }));
  const lost = allLosses.flatMap((loss) =>
    readers
      .filter(({ startMs, endMs, report }) => {
        return startMs <= loss.endMs && endMs >= loss.startMs && report?.failedBatches !== 0;
      })
      .map(({ startMs }) => ({ fromMs: startMs, toMs: loss.endMs })),
  );
  const outside = ({ startMs, endMs }: PollRecord, claims: typeof terminated) =>
    claims.every(({ fromMs, toMs }) => endMs < fromMs || startMs > toMs);
  const trusted = early.filter((poll) => outside(poll, terminated));
  if (trusted.length === 0) return { arrives: 'may', because: 'claimed by a terminated poll' };
  const [poll] = trusted.filter((poll) => outside(poll, lost));
  if (!poll) return { arrives: 'may', because: 'claim lost with the store' };
  return { arrives: 'must', because: `poll ${poll.workflowId} saw it` };
}
