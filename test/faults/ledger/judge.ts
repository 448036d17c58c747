import { LEASE_MS } from '../../../src/poll/limits.ts';
import type { Arrival } from '../../support/mailbox.ts';
import type { FaultRecord } from '../fault.ts';
import type { Evidence } from './evidence.ts';
import { expectation, isAnnouncedAfterLoss } from './expectation.ts';
import type { TrueStream } from './truth.ts';
import type { Delays, Finding, Verdict } from './verdict.ts';

const FIELDS = 'game_id,started_at,title,user_id,user_login';

/** Compares what was true with what arrived. */
export function judge(evidence: Evidence): Verdict {
  const byStream = Map.groupBy(evidence.arrivals, ({ messageId }) => messageId);
  const verdict: Verdict = {
    goLives: 0,
    arrived: byStream.size,
    lost: [],
    unexpected: [],
    repeats: [],
    repeatedOtherwise: [],
    disordered: [],
    disorderedUnderFaults: 0,
    deadLettered: evidence.arrivals.filter(({ queue }) => queue.endsWith('.dead')).length,
    missed: {
      'not polled': [],
      suppressed: [],
      'claimed by a terminated poll': [],
      'claim lost with the store': [],
    },
    delays: { quiet: delays([]), underFaults: delays([]) },
  };
  for (const stream of evidence.streams.values()) {
    const { id: streamId } = stream;
    if (stream.sights.length > 0) verdict.goLives += 1;
    const expected = expectation(evidence, stream);
    const here = byStream.has(streamId);
    if (here && expected.arrives === 'must not') verdict.unexpected.push({ streamId, what: expected.because });
    else if (!here && expected.arrives === 'must') verdict.lost.push({ streamId, what: expected.because });
    else if (!here && expected.arrives === 'may') verdict.missed[expected.because].push(streamId);
  }
  for (const arrival of evidence.arrivals) {
    const what = unlikeTruth(arrival, evidence.streams.get(arrival.messageId));
    if (what) verdict.unexpected.push({ streamId: arrival.messageId, what });
  }
  for (const [streamId, copies] of byStream) judgeRepeats(evidence, streamId, copies, verdict);
  judgeOrder(evidence, byStream, verdict);
  measureDelays(evidence, byStream, verdict);
  return verdict;
}

function unlikeTruth({ body, headers, messageId, type }: Arrival, stream: TrueStream | undefined): string | undefined {
  if (!stream) return 'there is no such stream';
  if (Object.keys(body).sort().join() !== FIELDS) return `its fields are ${Object.keys(body)}`;
  if (headers['x-stream-id'] !== messageId || type !== 'stream.online') return 'its properties are wrong';
  const looks = stream.looks.some(
    ({ login, gameId, title }) => login === body.user_login && gameId === body.game_id && title === body.title,
  );
  const same = body.user_id === stream.userId && Date.parse(String(body.started_at)) === stream.startedMs;
  return looks && same ? undefined : `it never looked like ${JSON.stringify(body)}`;
}

/**
 * Each copy after the first must have a cause. One with the same poll and detection time was sent again by its owner,
 * who had no confirm, or no mark: a fault must have come between. One of another poll was claimed again: the store must
 * have lost the mark of a stream young enough to be announced again, or a fault must have outlasted the lease.
 */
function judgeRepeats(evidence: Evidence, streamId: string, copies: readonly Arrival[], verdict: Verdict): void {
  const stream = evidence.streams.get(streamId);
  for (const [i, copy] of copies.entries()) {
    const before = copies[i - 1];
    if (!before || !stream) continue;
    // Each was sent at some time between its detection and its arrival, which the queue may have delayed.
    const sinceMs = Math.min(detectedMs(before), detectedMs(copy));
    const between = evidence.faults.filter(
      ({ kind, startMs, recoveredMs }) => kind.mayRepeat && startMs <= copy.atMs && recoveredMs >= sinceMs,
    );
    const sentAgain = copies.slice(0, i).some((earlier) => isSameEvent(earlier, copy));
    const outlastsLease = Math.abs(detectedMs(copy) - detectedMs(before)) >= LEASE_MS;
    const fault =
      sentAgain || outlastsLease
        ? nearest(between, before.atMs)
        : between.findLast(({ kind, startMs }) => kind.loses && isAnnouncedAfterLoss(stream, startMs));
    const seconds = ((copy.atMs - before.atMs) / 1_000).toFixed(1);
    if (fault) verdict.repeats.push({ streamId, atMs: copy.atMs, fault });
    else
      verdict.repeatedOtherwise.push({ streamId, what: `again after ${seconds} s without a fault that explains it` });
  }
}

/** What kept a message's confirm or mark away went on when the message came. */
function nearest(faults: readonly FaultRecord[], atMs: number): FaultRecord | undefined {
  const distance = ({ startMs, endMs }: FaultRecord) => Math.max(0, startMs - atMs, atMs - endMs);
  return faults.toSorted((a, b) => distance(a) - distance(b))[0];
}

const isSameEvent = (a: Arrival, b: Arrival) =>
  a.headers['x-poll-id'] === b.headers['x-poll-id'] && a.headers['x-detected-at'] === b.headers['x-detected-at'];

const detectedMs = ({ headers }: Arrival) => Date.parse(String(headers['x-detected-at']));

function isDisturbed(faults: readonly FaultRecord[], fromMs: number, toMs: number): boolean {
  return faults.some(({ startMs, recoveredMs }) => startMs <= toMs && recoveredMs >= fromMs);
}

/** Of two streams of a user the earlier is announced first, as long as nothing holds it up. */
function judgeOrder(evidence: Evidence, byStream: Map<string, Arrival[]>, verdict: Verdict): void {
  const byUser = Map.groupBy(evidence.streams.values(), ({ userId }) => userId);
  for (const streams of byUser.values()) {
    for (const [i, stream] of streams.entries()) {
      const before = streams[i - 1];
      const [first] = byStream.get(stream.id) ?? [];
      const [firstBefore] = (before && byStream.get(before.id)) ?? [];
      if (!before || !first || !firstBefore || firstBefore.atMs <= first.atMs) continue;
      const finding: Finding = { streamId: stream.id, what: `it came before ${before.id}, the stream before it` };
      if (isDisturbed(evidence.faults, before.shownMs, firstBefore.atMs)) verdict.disorderedUnderFaults += 1;
      else verdict.disordered.push(finding);
    }
  }
}

/** From the moment the API shows a stream through a target until its message arrives. */
function measureDelays(evidence: Evidence, byStream: Map<string, Arrival[]>, verdict: Verdict): void {
  const quiet: number[] = [];
  const underFaults: number[] = [];
  for (const { id, sights } of evidence.streams.values()) {
    const [first] = byStream.get(id) ?? [];
    const [sight] = sights;
    if (!first || !sight || sight.fromMs < evidence.addedMs) continue;
    const disturbed = isDisturbed(evidence.faults, sight.fromMs, first.atMs);
    (disturbed ? underFaults : quiet).push(first.atMs - sight.fromMs);
  }
  verdict.delays = { quiet: delays(quiet), underFaults: delays(underFaults) };
}

function delays(all: number[]): Delays {
  const sorted = all.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
}
