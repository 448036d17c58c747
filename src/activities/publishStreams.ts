import type { StreamEvent } from '../poll/model.ts';
import type { PollRef } from '../storage/streams.ts';
import type { Dependencies } from './index.ts';
import { Publishing } from './publishing.ts';

/** Events that one diff has claimed, until each is announced. */
export interface Claimed {
  /** Who has claimed them. */
  owner: string;
  events: StreamEvent[];
  /** Ids among them that the broker has confirmed: these are only marked, never sent again. */
  confirmed?: string[];
}

export interface PublishStreamsInput extends Claimed {
  poll: PollRef;
  /**
   * Give up because of the broker when the next attempt would begin this long after the activity was scheduled; absent:
   * never. With 0 an attempt does not wait for a broker that is away either.
   */
  giveUpAfterSeconds?: number;
}

export interface DeliverEventsInput {
  poll: PollRef;
  claims: Claimed[];
}

export interface PublishStreamsResult {
  /** Messages that the broker has confirmed, without those that it had confirmed before. */
  announced: number;
  /** Streams that another owner has claimed or announced since. */
  left: number;
}

export function publishActivities({ streams, publisher }: Dependencies) {
  const publishing = new Publishing(streams, publisher);
  return {
    /**
     * Publishes claimed events, waits for the broker's confirms and marks each confirmed stream as announced. A retry
     * publishes only what is still owed: what was confirmed travels in the heartbeats, what was marked is in the store.
     * Retries until all are confirmed, whatever the store answers; only because of the broker it is given up, and then
     * the failure's first detail lists the ids that the broker has confirmed.
     */
    async publishStreams({ poll, giveUpAfterSeconds, ...claim }: PublishStreamsInput): Promise<PublishStreamsResult> {
      return publishing.publish(poll, [claim], giveUpAfterSeconds);
    },

    /**
     * The same for what a poll has handed over, and never given up. While the broker is away an attempt only renews the
     * claims, for long, and fails at once, so that hundreds of deliveries wait side by side.
     */
    async deliverEvents({ poll, claims }: DeliverEventsInput): Promise<PublishStreamsResult> {
      return publishing.deliver(poll, claims);
    },
  };
}
