import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { StreamEvent } from '../model.ts';
import { toMessage } from '../publisher/message.ts';
import type { PollRef } from '../storage/streams.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating, lastHeartbeatList } from './heartbeat.ts';
import type { Dependencies } from './index.ts';

export interface PublishStreamsInput {
  poll: PollRef;
  /** Who has claimed the events. */
  owner: string;
  events: StreamEvent[];
  /** Fail for good in the first attempt that fails this long after the activity was scheduled; absent: never. */
  giveUpAfterSeconds?: number;
}

export interface PublishStreamsResult {
  announced: number;
  /** Streams that another owner has claimed or announced since. */
  left: number;
}

export function publishActivities({ streams, publisher }: Dependencies) {
  return {
    /**
     * Publishes claimed events, waits for the broker's confirms and marks each confirmed stream as announced. A retry
     * publishes only what is still owed: what was confirmed travels in the heartbeats, what was marked is in the store.
     */
    async publishStreams(input: PublishStreamsInput): Promise<PublishStreamsResult> {
      const { poll, owner, events, giveUpAfterSeconds } = input;
      const confirmed = new Set(lastHeartbeatList());
      return heartbeating(
        () => [...confirmed],
        async () => {
          try {
            const unconfirmed = events.filter((event) => !confirmed.has(event.id));
            const held = new Set(
              await streams.renewClaims(
                owner,
                unconfirmed.map((event) => event.id),
              ),
            );
            const owed = unconfirmed.filter((event) => held.has(event.id));
            const marks: Promise<void>[] = [];
            const { failed } = await publisher.publish(
              owed.map((event) => toMessage(event, poll.id)),
              {
                signal: cancellationSignal(),
                onConfirmed: (ids) => {
                  for (const id of ids) confirmed.add(id);
                  heartbeat([...confirmed]);
                  marks.push(streams.markAnnounced(ids));
                },
              },
            );
            const marked = await Promise.allSettled(marks);
            if (marked.some(({ status }) => status === 'rejected')) await streams.markAnnounced([...confirmed]);
            const [first] = failed;
            if (first) {
              throw ApplicationFailure.retryable(
                `${failed.length} of ${events.length} messages not confirmed (${first.reason}): ${first.message}`,
                'BrokerUnavailable',
              );
            }
            return { announced: confirmed.size, left: events.length - confirmed.size };
          } catch (error) {
            throw toActivityFailure(error, activityInfo().attempt, { nonRetryable: isOverdue(giveUpAfterSeconds) });
          }
        },
      );
    },
  };
}

function isOverdue(giveUpAfterSeconds: number | undefined): boolean {
  if (giveUpAfterSeconds === undefined) return false;
  return Date.now() - activityInfo().scheduledTimestampMs >= giveUpAfterSeconds * 1_000;
}
