import type { DeliverEventsInput, PublishStreamsInput, PublishStreamsResult } from '../poll/steps.ts';
import type { Dependencies } from './dependencies.ts';
import { Publishing } from './publishing.ts';

export function publishActivities(dependencies: Dependencies) {
  const publishing = new Publishing(dependencies);
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
