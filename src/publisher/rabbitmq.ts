import { BoundedSet } from '../lib/boundedSet.ts';
import { PUBLISHER } from '../poll/limits.ts';
import { BrokerLink, type LinkStatus } from './brokerLink.ts';
import type { OutgoingMessage } from './message.ts';
import type { PublisherOptions } from './options.ts';
import { PublishCall, type PublisherParts, type PublishOptions, type PublishResult } from './publishCall.ts';
import type { QueueDepth } from './queues.ts';

/** How many late confirms are remembered: far more than a window, for callers that come back minutes later. */
const LATE_CONFIRMS = 10_000;

/**
 * Publishes messages and waits for the broker's confirms. Connects on its own for as long as it lives: nothing that the
 * broker does throws, ends the process or leaves a message without an answer.
 */
export class RabbitPublisher {
  readonly #parts: PublisherParts;

  constructor(options: PublisherOptions) {
    const settings = { prefix: '', maxInFlight: 256, observer: {}, ...PUBLISHER, ...options };
    this.#parts = { settings, link: new BrokerLink(settings), lateConfirms: new BoundedSet(LATE_CONFIRMS) };
  }

  /** Starts connecting in the background and goes on until {@link close}. */
  start(): void {
    this.#parts.link.start();
  }

  status(): LinkStatus {
    return this.#parts.link.status;
  }

  /** Messages that are sent and not yet answered. */
  get inFlight(): number {
    return this.#parts.link.inFlight;
  }

  /**
   * Sends messages and waits until each is confirmed or has failed. Never throws for anything the broker does. A stream
   * id that is given twice counts once; calls may overlap.
   *
   * A message whose answer was given up on (the broker was blocked, or the signal aborted) and that the broker confirmed
   * later is not sent again when it is published again, so that an alarm does not lead to repeats.
   */
  publish(messages: readonly OutgoingMessage[], options: PublishOptions = {}): Promise<PublishResult> {
    return new PublishCall(this.#parts, messages, options).run();
  }

  /**
   * How full queues are, asked on the publisher's connection; `null` for one that does not exist.
   *
   * @throws Error while the broker takes no messages: it does not answer then
   */
  queueDepths(queues: readonly string[]): Promise<Record<string, QueueDepth | null>> {
    return this.#parts.link.queueDepths(queues);
  }

  /** Waits a moment for outstanding confirms and closes; settles within 5 s whatever the broker does. */
  close(): Promise<void> {
    return this.#parts.link.close();
  }
}
