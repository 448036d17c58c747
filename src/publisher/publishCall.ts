import { within } from '../lib/deadline.ts';
import { harmless } from '../lib/harmless.ts';
import { ABORT_GRACE_MS } from '../poll/limits.ts';
import type { BrokerLink } from './brokerLink.ts';
import type { OutgoingMessage } from './message.ts';
import type { PublisherSettings } from './options.ts';
import type { Failure, PublishOutcome } from './outcome.ts';

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

/** A message that is not known to be in a queue. It may be all the same: send it again with the same `messageId`. */
export interface PublishFailure extends Failure {
  streamId: string;
}

export interface PublishResult {
  /** Stream ids that the broker has taken over, in the order of its confirms. */
  confirmed: string[];
  failed: PublishFailure[];
}

/** What all calls of a publisher have in common. */
export interface PublisherParts {
  settings: PublisherSettings;
  link: BrokerLink;
  /** Ids of messages that the broker confirmed after the call that sent them had given them up. */
  lateConfirms: Set<string>;
}

/** One call of `publish`: sends while there is room, waits while there is none, and gives up in time. */
export class PublishCall {
  readonly #parts: PublisherParts;
  readonly #options: PublishOptions;
  /** Not sent yet. */
  readonly #unsent: Map<string, OutgoingMessage>;
  /** Sent, not answered. */
  readonly #open = new Set<string>();
  readonly #observe: (outcome: PublishOutcome) => void;
  readonly #result: PublishResult = { confirmed: [], failed: [] };
  #untold: string[] = [];
  /** Since when nothing could be sent and nothing answered for a reason that waiting alone may not mend. */
  #stuckSinceMs: number | undefined;
  #abortedAtMs: number | undefined;

  constructor(parts: PublisherParts, messages: readonly OutgoingMessage[], options: PublishOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#observe = harmless(parts.settings.observer.onOutcome);
    this.#unsent = new Map(messages.map((message) => [message.streamId, message]));
  }

  async run(): Promise<PublishResult> {
    const { link } = this.#parts;
    const { signal } = this.#options;
    const onAbort = () => link.notify();
    signal?.addEventListener('abort', onAbort);
    try {
      for (;;) {
        // Taken before looking, so that a change between the look and the wait is not missed.
        const change = link.changed;
        this.#send();
        const patienceMs = this.#giveUp();
        if (this.#unsent.size + this.#open.size === 0) break;
        await within(patienceMs, change).catch(() => {});
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    this.#tell();
    return this.#result;
  }

  #send(): void {
    const { settings, link, lateConfirms } = this.#parts;
    const { signal, maySend } = this.#options;
    for (const [streamId, message] of this.#unsent) {
      if (signal?.aborted) return;
      if (lateConfirms.delete(streamId)) {
        this.#unsent.delete(streamId);
        this.#confirm(streamId);
        continue;
      }
      const { window } = link;
      if (!window || (window.size >= settings.maxInFlight && !window.has(streamId))) return;
      if (maySend && !maySend()) {
        this.#fail(this.#unsent, { reason: 'late', message: 'too much time has passed since its claim was renewed' });
        return;
      }
      this.#unsent.delete(streamId);
      this.#open.add(streamId);
      const sentMs = performance.now();
      void window.send(message).then((failure) => this.#settle(streamId, failure, performance.now() - sentMs));
    }
  }

  /** Fails what has waited long enough. Returns after how many ms to look again; undefined: at the next change. */
  #giveUp(): number | undefined {
    const { settings, link } = this.#parts;
    const { signal, waitMs } = this.#options;
    const now = performance.now();
    if (signal?.aborted) {
      this.#abortedAtMs ??= now;
      this.#fail(this.#unsent, { reason: 'unavailable', message: 'cancelled before the message was sent' });
      const graceMs = this.#abortedAtMs + ABORT_GRACE_MS - now;
      if (graceMs <= 0)
        this.#fail(this.#open, { reason: 'closed', message: 'cancelled before the broker confirmed the message' });
      return graceMs;
    }
    if (link.window) {
      this.#stuckSinceMs = undefined;
      return undefined;
    }
    const { state, detail } = link.status;
    if (state === 'closed') {
      this.#fail(this.#unsent, { reason: 'closed', message: 'the publisher is closed' });
      return undefined;
    }
    this.#stuckSinceMs ??= now;
    const patienceMs = waitMs ?? (state === 'blocked' ? settings.blockedWaitMs : settings.unavailableWaitMs);
    const leftMs = this.#stuckSinceMs + patienceMs - now;
    if (leftMs > 0) return leftMs;
    const reason = state === 'blocked' || state === 'misconfigured' ? state : 'unavailable';
    const message = detail ?? 'there is no connection to RabbitMQ';
    this.#fail(this.#unsent, { reason, message });
    // Only an alarm leaves messages without an answer for so long: all else ends their channel, and them with it.
    if (state === 'blocked') this.#fail(this.#open, { reason, message });
    return undefined;
  }

  #settle(streamId: string, failure: Failure | undefined, ms: number): void {
    const { link, lateConfirms } = this.#parts;
    if (!this.#open.delete(streamId)) {
      if (!failure) lateConfirms.add(streamId);
      return;
    }
    if (failure) {
      this.#result.failed.push({ streamId, ...failure });
      this.#observe({ result: failure.reason });
    } else {
      this.#confirm(streamId, ms);
    }
    // What the broker forbids it forbids for the rest as well.
    if (failure?.reason === 'misconfigured') this.#fail(this.#unsent, failure);
    link.notify();
  }

  #confirm(streamId: string, ms?: number): void {
    this.#observe({ result: 'confirmed', ...(ms !== undefined && { ms }) });
    this.#result.confirmed.push(streamId);
    this.#untold.push(streamId);
    // The broker confirms many at once; they are told together.
    if (this.#untold.length === 1) queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    const streamIds = this.#untold;
    if (streamIds.length === 0) return;
    this.#untold = [];
    try {
      this.#options.onConfirmed?.(streamIds);
    } catch (error) {
      this.#parts.settings.logger.error(
        { error: String(error) },
        'onConfirmed failed; the messages are confirmed all the same',
      );
    }
  }

  #fail(messages: Map<string, unknown> | Set<string>, failure: Failure): void {
    for (const streamId of messages.keys()) {
      this.#result.failed.push({ streamId, ...failure });
      this.#observe({ result: failure.reason });
    }
    messages.clear();
  }
}
