import type { StreamEvent } from '../model.ts';
import type { PollRef } from '../storage/streams.ts';
import { publishStreams } from './activities.ts';

export interface DeliverInput {
  poll: PollRef;
  owner: string;
  events: StreamEvent[];
}

/**
 * Delivers events that a poll could not publish because the broker stayed away longer than a poll interval. It retries
 * until the broker has confirmed every one, renewing the claims with each attempt, while polling goes on without it.
 */
export async function deliverStreams({
  poll,
  owner,
  events,
}: DeliverInput): Promise<{ announced: number; left: number }> {
  return publishStreams({ poll, owner, events });
}
