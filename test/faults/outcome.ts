import { type CampaignResult, READY_WITHIN_SECONDS } from './campaign.ts';
import type { FaultRecord } from './fault.ts';
import type { PollRecord } from './ledger/polls.ts';

/** What one kind of fault led to. */
export interface KindOutcome {
  name: string;
  count: number;
  /** How many struck, or went on, while a poll was in progress. */
  hits: number;
  /** Messages sent again with the same `messageId` because of it. */
  repeats: number;
  /** From the end of the last fault that struck together with it; undefined: not ready in time. */
  worstRecoverySeconds: number | undefined;
}

export function isHit({ startMs, endMs }: FaultRecord, polls: readonly PollRecord[]): boolean {
  return polls.some((poll) => poll.startMs <= endMs && poll.endMs >= startMs);
}

/** The outcome of each kind, in the order in which the kinds first struck. */
export function outcomes({ evidence, verdict }: CampaignResult): KindOutcome[] {
  return [...Map.groupBy(evidence.faults, ({ kind }) => kind)].map(([kind, faults]) => {
    const recoveries = faults.map(({ recoverySeconds }) => recoverySeconds);
    return {
      name: kind.name,
      count: faults.length,
      hits: faults.filter((fault) => isHit(fault, evidence.polls)).length,
      repeats: verdict.repeats.filter(({ fault }) => fault.kind === kind).length,
      worstRecoverySeconds: recoveries.includes(undefined) ? undefined : Math.max(...(recoveries as number[])),
    };
  });
}

/** Each promise that was broken, in words, with the streams that it is about. None: the run is a success. */
export function brokenPromises(result: CampaignResult): { what: string; streamIds: string[] }[] {
  const { verdict, deaths, complaints, failedPolls, undelivered, evidence } = result;
  const findings = (['lost', 'unexpected', 'repeatedOtherwise', 'disordered'] as const).map((name) => ({
    what: `${name}: ${verdict[name].map(({ streamId, what }) => `${streamId} (${what})`).join('; ')}`,
    streamIds: verdict[name].map(({ streamId }) => streamId),
  }));
  const late = evidence.faults.filter(
    ({ recoverySeconds = Number.POSITIVE_INFINITY }) => recoverySeconds > READY_WITHIN_SECONDS,
  );
  const others = [
    ...late.map(({ no, kind }) => `fault ${no}, ${kind.name}: not ready again within ${READY_WITHIN_SECONDS} s`),
    ...complaints,
    ...deaths.map((death) => `a worker ended by itself: ${death}`),
    ...failedPolls.map(({ workflowId, status }) => `poll ${workflowId} ended as ${status}`),
    ...(undelivered > 0 ? [`${undelivered} deliveries are still under way`] : []),
  ];
  return [
    ...findings.filter(({ streamIds }) => streamIds.length > 0),
    ...others.map((what) => ({ what, streamIds: [] })),
  ];
}

/** All that is known of a stream, for whoever has to find out what happened to it. */
export function explain(streamId: string, { evidence }: CampaignResult): string {
  const stream = evidence.streams.get(streamId);
  if (!stream) return `${streamId}: there was no such stream`;
  const time = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'the end');
  const arrivals = evidence.arrivals.filter(({ messageId }) => messageId === streamId);
  const lastMs = Math.max(stream.shownMs, ...stream.sights.map(({ toMs }) => (Number.isFinite(toMs) ? toMs : 0)));
  const fromMs = stream.shownMs - 5_000;
  const toMs = Math.max(lastMs, arrivals.at(-1)?.atMs ?? 0) + 5_000;
  const near = (start: number, end: number) => start <= toMs && end >= fromMs;
  const served = evidence.firstServedAtMs(streamId);
  return [
    `stream ${streamId} of user ${stream.userId}, started ${new Date(stream.startedMs).toISOString()}, shown ${time(stream.shownMs)}`,
    `  first served: ${served === undefined ? 'never' : time(served)}`,
    ...stream.sights.map((sight) => `  ${sight.target} showed it ${time(sight.fromMs)} to ${time(sight.toMs)}`),
    ...arrivals.map(
      ({ queue, atMs, headers }) =>
        `  arrived ${time(atMs)} in ${queue}: ${headers['x-reason']}, detected ${headers['x-detected-at']} by ${headers['x-poll-id']}`,
    ),
    ...evidence.polls
      .filter((poll) => near(poll.startMs, poll.endMs))
      .map((poll) => {
        const read = poll.report && evidence.readBy.get(streamId)?.has(poll.report.pollId) ? ', read it' : '';
        return `  poll ${poll.workflowId} ${time(poll.startMs)} to ${time(poll.endMs)} ${poll.status}${read}: ${JSON.stringify(poll.report)}`;
      }),
    ...[...(evidence.readBy.get(streamId) ?? [])].map((pollId) => `  read by ${pollId}`),
    ...evidence.faults
      .filter((fault) => near(fault.startMs, fault.recoveredMs))
      .map(
        (fault) =>
          `  fault ${fault.no} ${fault.kind.name} ${time(fault.startMs)} to ${time(fault.endMs)}, over ${time(fault.recoveredMs)}`,
      ),
  ].join('\n');
}
