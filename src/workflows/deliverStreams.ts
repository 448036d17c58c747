import { allHandlersFinished, condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { deliverTaskQueueOf } from '../poll/names.ts';
import type { Claimed, PollRef } from '../poll/steps.ts';
import { deliverActivities, publishStreams } from './proxies.ts';
import { summarizeEvents } from './summaries.ts';

/** What a poll hands over, or what a poll of before there was one delivery for each: one diff's events, without `claims`. */
export type DeliverInput = { poll: PollRef; claims: Claimed[] } | ({ poll: PollRef; claims?: undefined } & Claimed);

/** Brings more events of the same poll. */
export const HAND_OVER_SIGNAL = defineSignal<[claims: Claimed[]]>('handOver');

/**
 * Delivers events that a poll could not publish because the broker stayed away. It retries until the broker has confirmed
 * every one, renewing the claims with each attempt, while polling goes on without it. What the poll hands over later comes
 * by signal, and is delivered beside the rest; it ends when all of that is done, and a poll that has more begins another.
 */
export async function deliverStreams(input: DeliverInput): Promise<{ announced: number; left: number }> {
  if (!input.claims) return publishStreams(input);
  const { poll } = input;
  const { deliverEvents } = deliverActivities(deliverTaskQueueOf(workflowInfo().taskQueue));
  const result = { announced: 0, left: 0 };
  const taken = new Set<string>();

  const deliver = async (given: Claimed[]): Promise<void> => {
    // A poll that was reset hands over what it has handed over before: two activities would publish it twice.
    const claims = given.map((claim) => ({ ...claim, events: claim.events.filter(({ id }) => !taken.has(id)) }));
    const events = claims.flatMap((claim) => claim.events);
    for (const { id } of events) taken.add(id);
    if (events.length === 0) return;
    const { announced, left } = await deliverEvents.executeWithOptions({ summary: summarizeEvents(events) }, [
      { poll, claims },
    ]);
    result.announced += announced;
    result.left += left;
  };

  setHandler(HAND_OVER_SIGNAL, deliver);
  await deliver(input.claims);
  await condition(allHandlersFinished);
  return result;
}
