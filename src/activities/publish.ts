import { activityInfo, Context } from '@temporalio/activity';
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
      const { events, giveUpAfterSeconds } = input;
      const confirmed = new Set(lastHeartbeatList());
      return heartbeating(
        () => [...confirmed],
        async () => {
          try {
            await publishOwed(input, confirmed);
            return { announced: confirmed.size, left: events.length - confirmed.size };
          } catch (error) {
            throw toActivityFailure(error, activityInfo().attempt, { nonRetryable: isOverdue(giveUpAfterSeconds) });
          }
        },
      );
    },
  };

  /** @param confirmed ids that the broker has confirmed in earlier attempts; those of this one are added */
  async function publishOwed({ poll, owner, events }: PublishStreamsInput, confirmed: Set<string>): Promise<void> {
    // Confirms come from the connection, outside of the activity's asynchronous context.
    const context = Context.current();
    const unmarked = new Set(confirmed);
    const mark = async (ids: string[]) => {
      await streams.markAnnounced(ids);
      for (const id of ids) unmarked.delete(id);
    };
    const unconfirmed = events.filter((event) => !confirmed.has(event.id));
    const held = await streams.renewClaims(owner, idsOf(unconfirmed));
    const owed = unconfirmed.filter((event) => held.includes(event.id));
    const marking: Promise<void>[] = [];
    const { failed } = await publisher.publish(
      owed.map((event) => toMessage(event, poll.id)),
      {
        signal: context.cancellationSignal,
        onConfirmed: (ids) => {
          for (const id of ids) {
            confirmed.add(id);
            unmarked.add(id);
          }
          context.heartbeat([...confirmed]);
          // What fails here is marked below, or the attempt fails.
          marking.push(mark(ids).catch(() => undefined));
        },
      },
    );
    await Promise.all(marking);
    if (unmarked.size > 0) await mark([...unmarked]);
    const [first] = failed;
    if (first) {
      throw ApplicationFailure.retryable(
        `${failed.length} of ${events.length} messages not confirmed (${first.reason}): ${first.message}`,
        'BrokerUnavailable',
      );
    }
  }
}

function idsOf(events: readonly StreamEvent[]): string[] {
  return events.map((event) => event.id);
}

function isOverdue(giveUpAfterSeconds: number | undefined): boolean {
  if (giveUpAfterSeconds === undefined) return false;
  return Date.now() - activityInfo().scheduledTimestampMs >= giveUpAfterSeconds * 1_000;
}
