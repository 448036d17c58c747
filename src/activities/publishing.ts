import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { backoffMs } from '../lib/backoff.ts';
import { BoundedSet } from '../lib/boundedSet.ts';
import {
  DELIVERING_MOST,
  DELIVERY_LEASE_MS,
  DELIVERY_RETRY,
  LEASE_MS,
  PUBLISH_RETRY,
  SEND_WITHIN_MS,
} from '../poll/limits.ts';
import type { Claimed, PollRef, PublishStreamsResult } from '../poll/steps.ts';
import { toMessage } from '../publisher/message.ts';
import type { Labels } from '../storage/labels.ts';
import type { Streams } from '../storage/streams.ts';
import { lastHeartbeatList, type Pulse, runAttempt } from './attempt.ts';
import type { Dependencies } from './dependencies.ts';

/** Of the streams that were confirmed but could not be marked, how many a process remembers. */
const MOST_UNMARKED = 10_000;

interface Attempt {
  poll: PollRef;
  claims: readonly Claimed[];
  leaseMs: number;
  /** One of possibly hundreds: it stands back when many of them publish already. */
  standsBack?: boolean;
  /** How long to wait while nothing can be sent; absent: as the publisher does. */
  waitMs?: number;
  /** What to say to Temporal when the broker did not take everything. */
  onBroker: (message: string, confirmed: readonly string[]) => ApplicationFailure;
}

/** Brings claimed events to the broker and notes what it has confirmed: one attempt at a time of any number of activities. */
export class Publishing {
  readonly #streams: Streams;
  readonly #labels: Labels;
  readonly #feed: Dependencies['feed'];
  readonly #series: Dependencies['series'];
  readonly #publisher: Dependencies['publisher'];
  /**
   * Confirmed through this process, not marked yet. While the store is away the claim may run out, and another owner in
   * this process be the first to come when it is back: it must not send the same again.
   */
  readonly #unmarked = new BoundedSet<string>(MOST_UNMARKED);
  #delivering = 0;

  constructor(parts: Pick<Dependencies, 'streams' | 'targets' | 'feed' | 'series' | 'publisher'>) {
    const { streams, targets, feed, series, publisher } = parts;
    this.#streams = streams;
    this.#labels = targets.labels;
    this.#feed = feed;
    this.#series = series;
    this.#publisher = publisher;
  }

  /** @param giveUpAfterSeconds see `PublishStreamsInput` */
  async publish(
    poll: PollRef,
    claims: readonly Claimed[],
    giveUpAfterSeconds = Number.POSITIVE_INFINITY,
  ): Promise<PublishStreamsResult> {
    const startedMs = performance.now();
    return this.#attempt({
      poll,
      claims,
      leaseMs: LEASE_MS,
      ...(giveUpAfterSeconds === 0 && { waitMs: 0 }),
      onBroker: (message, confirmed) => {
        const nextRetryDelay = backoffMs(activityInfo().attempt, PUBLISH_RETRY);
        // Not an attempt later than that, or the poll would be longer than its interval.
        const givenUp = ageMs(startedMs) + nextRetryDelay >= giveUpAfterSeconds * 1_000;
        if (givenUp) {
          const events = claims.flatMap((claim) => claim.events);
          void this.#feed.note(
            'waiting',
            events.filter(({ id }) => !confirmed.includes(id)),
          );
        }
        return ApplicationFailure.create({
          message,
          type: 'BrokerUnavailable',
          nonRetryable: givenUp,
          nextRetryDelay,
          details: [confirmed],
        });
      },
    });
  }

  async deliver(poll: PollRef, claims: readonly Claimed[]): Promise<PublishStreamsResult> {
    const startedMs = performance.now();
    return this.#attempt({
      poll,
      claims,
      leaseMs: DELIVERY_LEASE_MS,
      standsBack: true,
      waitMs: 0,
      onBroker: (message) => {
        const { share, leastMs, mostMs } = DELIVERY_RETRY;
        return ApplicationFailure.create({
          message,
          type: 'BrokerUnavailable',
          // Nothing new: a delivery is there because the broker is away.
          category: ApplicationFailureCategory.BENIGN,
          // Up to half less by chance, so that deliveries do not come back all at once.
          nextRetryDelay: Math.min(Math.max(ageMs(startedMs) * share, leastMs), mostMs) * (1 - Math.random() / 2),
        });
      },
    });
  }

  async #attempt(attempt: Attempt): Promise<PublishStreamsResult> {
    const before = new Set(attempt.claims.flatMap(({ confirmed = [] }) => confirmed));
    const confirmed = new Set([...before, ...lastHeartbeatList()]);
    return runAttempt(
      async (pulse) => {
        const left = await this.#publishOwed(attempt, confirmed, pulse);
        return { announced: confirmed.size - before.size, left };
      },
      { beats: () => [...confirmed], endless: true },
    );
  }

  /**
   * @param confirmed ids that the broker has confirmed in earlier attempts; those of this one are added
   * @returns how many streams are another owner's
   */
  async #publishOwed(attempt: Attempt, confirmed: Set<string>, pulse: Pulse): Promise<number> {
    const { poll, claims, leaseMs, standsBack = false, waitMs, onBroker } = attempt;
    // Confirms come from the connection, outside of the activity's asynchronous context.
    const context = Context.current();
    for (const { events } of claims) {
      for (const { id } of events) if (this.#unmarked.has(id)) confirmed.add(id);
    }
    // First of all: a claim on what was sent may have run out, and then another poll takes the stream.
    await this.#mark([...confirmed]);

    const sendUntil = pulse.deadline(SEND_WITHIN_MS);
    const renewed = await Promise.all(
      claims.map(async ({ owner, events }) => {
        const unconfirmed = events.filter(({ id }) => !confirmed.has(id));
        if (unconfirmed.length === 0) return { owed: [], left: 0 };
        const ids = unconfirmed.map(({ id }) => id);
        const held = new Set(await this.#streams.renewClaims(owner, ids, leaseMs));
        const owed = unconfirmed.filter(({ id }) => held.has(id));
        return { owed, left: unconfirmed.length - owed.length };
      }),
    );
    const left = renewed.reduce((sum, each) => sum + each.left, 0);
    const owed = renewed.flatMap((each) => each.owed);
    if (owed.length === 0) return left;
    if (standsBack && this.#delivering >= DELIVERING_MOST)
      throw onBroker('other deliveries come first', [...confirmed]);

    const labels = await this.#labels.ofStreams(owed);
    const marking: Promise<void>[] = [];
    this.#delivering += standsBack ? 1 : 0;
    const { failed } = await this.#publisher
      .publish(
        owed.map((event, i) => toMessage(event, poll.id, labels[i])),
        {
          signal: context.cancellationSignal,
          maySend: () => pulse.isBefore(sendUntil),
          ...(waitMs !== undefined && { waitMs }),
          onConfirmed: (ids) => {
            for (const id of ids) {
              confirmed.add(id);
              this.#unmarked.add(id);
            }
            context.heartbeat([...confirmed]);
            const announced = owed.filter(({ id }) => ids.includes(id));
            void this.#feed.note('announced', announced);
            this.#series.noteAnnounced(announced);
            // What fails here is marked below, or the attempt fails.
            marking.push(this.#mark(ids).catch(() => undefined));
            for (const { id: streamId, userId, userLogin, reason, startedAt } of announced) {
              const lagMs = Date.now() - Date.parse(startedAt);
              context.log.debug('announced', { streamId, userId, userLogin, reason, startedAt, lagMs });
            }
          },
        },
      )
      .finally(() => {
        this.#delivering -= standsBack ? 1 : 0;
      });
    await Promise.all(marking);
    await this.#mark([...confirmed].filter((id) => this.#unmarked.has(id)));
    const [first] = failed;
    if (!first) return left;
    const failure = `${failed.length} of ${owed.length} messages not confirmed (${first.reason}): ${first.message}`;
    throw first.reason === 'late'
      ? ApplicationFailure.retryable(failure, 'ClaimsTooOld')
      : onBroker(failure, [...confirmed]);
  }

  async #mark(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#streams.markAnnounced(ids);
    for (const id of ids) this.#unmarked.delete(id);
  }
}

/**
 * How long ago the activity was scheduled. Between its attempts Temporal's clock counts, within this one ours: a worker
 * whose clock is wrong gives up neither at once nor an hour late.
 */
function ageMs(attemptStartedMs: number): number {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = activityInfo();
  return currentAttemptScheduledTimestampMs - scheduledTimestampMs + performance.now() - attemptStartedMs;
}
