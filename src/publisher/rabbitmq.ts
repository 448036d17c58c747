import type { Secret } from '../config/secret.ts';
import type { Logger } from '../lib/log.ts';
import { BROKER_DRAIN_MS, PUBLISHER } from '../poll/limits.ts';
import { BrokerLink, type LinkStatus } from './brokerLink.ts';
import type { FailureReason } from './confirmWindow.ts';
import type { OutgoingMessage } from './message.ts';
import type { PublishResult } from './publishCall.ts';
import { PublishCall } from './publishCall.ts';
import type { TopologyMode } from './topology.ts';

export type PublisherStatus = LinkStatus;
export type { FailureReason };

/** Limits are those of `poll/limits.ts` by default. */
export interface PublisherOptions {
  url: Secret;
  topology: TopologyMode;
  /** Begins the names of exchanges and queues. Default: none. */
  prefix?: string;
  logger: Logger;
  /** How long the broker may take to confirm a message before its channel is given up. */
  confirmTimeoutMs?: number;
  /** For connection and handshake, and again for topology and channel. */
  connectTimeoutMs?: number;
  /** Messages sent and not yet confirmed, over all calls; at most 1,024, amqplib's own buffer. Default: 256. */
  maxInFlight?: number;
  /** How long `publish` waits for a connection before it gives its messages back. */
  unavailableWaitMs?: number;
  /** How long `publish` waits while the broker takes no messages (memory or disk alarm). */
  blockedWaitMs?: number;
  /** Heartbeat asked of the broker; a dead peer is noticed after two to three of them. */
  heartbeatSeconds?: number;
}

export interface PublishOptions {
  /** When aborted nothing more is sent; messages in flight get another second for their confirm. */
  signal?: AbortSignal;
  /** Asked before each message is sent; what it forbids fails as `late`. */
  maySend?: () => boolean;
  /** How long to wait while nothing can be sent, instead of `unavailableWaitMs` and `blockedWaitMs`. */
  waitMs?: number;
  /** Told of confirms as they come, several at a time; all calls are made before `publish` resolves. */
  onConfirmed?: (streamIds: string[]) => void;
}

/** How many late confirms are remembered: far more than a window, for callers that come back minutes later. */
const LATE_CONFIRMS = 10_000;

/**
 * Publishes messages and waits for the broker's confirms. Connects on its own for as long as it lives: nothing that the
 * broker does throws, ends the process or leaves a message without an answer.
 */
export class RabbitPublisher {
  readonly #options: Required<PublisherOptions>;
  readonly #link: BrokerLink;
  readonly #lateConfirms = new Set<string>();
  #wake = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = {
      prefix: '',
      maxInFlight: 256,
      ...PUBLISHER,
      ...options,
    };
    this.#link = new BrokerLink({ ...this.#options, onChange: () => this.#changed() });
  }

  /** Starts connecting in the background and goes on until {@link close}. */
  start(): void {
    this.#link.start();
  }

  status(): PublisherStatus {
    return this.#link.status;
  }

  /**
   * Sends messages and waits until each is confirmed or has failed. Never throws for anything the broker does. A stream
   * id that is given twice counts once; calls may overlap.
   *
   * A message whose answer was given up on (the broker was blocked, or the signal aborted) and that the broker confirmed
   * later is not sent again when it is published again, so that an alarm does not lead to repeats.
   */
  async publish(messages: readonly OutgoingMessage[], options: PublishOptions = {}): Promise<PublishResult> {
    const { waitMs } = options;
    const call = new PublishCall(messages, {
      ...options,
      ...this.#options,
      ...(waitMs !== undefined && { unavailableWaitMs: waitMs, blockedWaitMs: waitMs }),
      window: () => (this.#closing ? undefined : this.#link.window),
      status: () => (this.#closing ? { state: 'closed' } : this.#link.status),
      changed: () => this.#wake.promise,
      onChange: () => this.#changed(),
      takeLateConfirm: (streamId) => this.#lateConfirms.delete(streamId),
      onLateConfirm: (streamId) => this.#rememberLateConfirm(streamId),
    });
    return call.run();
  }

  /** Waits a moment for outstanding confirms and closes; settles within 5 s whatever the broker does. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed();
    }, BROKER_DRAIN_MS);
    this.#changed();
    while (this.#link.inFlight > 0 && this.#link.status.state !== 'blocked' && !late) {
      await this.#wake.promise;
    }
    clearTimeout(timer);
    await this.#link.close();
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    resolve();
  }

  #rememberLateConfirm(streamId: string): void {
    this.#lateConfirms.add(streamId);
    if (this.#lateConfirms.size <= LATE_CONFIRMS) return;
    for (const oldest of this.#lateConfirms) {
      this.#lateConfirms.delete(oldest);
      break;
    }
  }
}
