import type { Logger } from '../lib/log.ts';
import { ABORT_GRACE_MS } from '../poll/limits.ts';
import type { LinkStatus } from './brokerLink.ts';
import type { ConfirmWindow, Failure } from './confirmWindow.ts';
import type { OutgoingMessage } from './message.ts';

/** A message that is not known to be in a queue. It may be all the same: send it again with the same `messageId`. */
export interface PublishFailure extends Failure {
  streamId: string;
}

export interface PublishResult {
  /** Stream ids that the broker has taken over, in the order of its confirms. */
  confirmed: string[];
  failed: PublishFailure[];
}

export interface PublishCallOptions {
  signal?: AbortSignal;
  maySend?: () => boolean;
  onConfirmed?: (streamIds: string[]) => void;
  maxInFlight: number;
  unavailableWaitMs: number;
  blockedWaitMs: number;
  logger: Logger;
  /** Where to send now, if there is such a place. */
  window: () => ConfirmWindow | undefined;
  status: () => LinkStatus;
  /** Resolves when something may be different. */
  changed: () => Promise<void>;
  /** Wakes whoever waits for a change, this call included. */
  onChange: () => void;
  /** Whether the broker confirmed this message after an earlier call had given it up; asked once. */
  takeLateConfirm: (streamId: string) => boolean;
  onLateConfirm: (streamId: string) => void;
}

/** One call of `publish`: sends while there is room, waits while there is none, and gives up in time. */
export class PublishCall {
  readonly #options: PublishCallOptions;
  /** Not sent yet. */
  readonly #unsent: Map<string, OutgoingMessage>;
  /** Sent, not answered. */
  readonly #open = new Set<string>();
  readonly #result: PublishResult = { confirmed: [], failed: [] };
  #untold: string[] = [];
  /** Since when nothing could be sent and nothing answered for a reason that waiting alone may not mend. */
  #stuckSinceMs: number | undefined;
  #abortedAtMs: number | undefined;

  constructor(messages: readonly OutgoingMessage[], options: PublishCallOptions) {
    this.#options = options;
    this.#unsent = new Map(messages.map((message) => [message.streamId, message]));
  }

  async run(): Promise<PublishResult> {
    const { signal, onChange, changed } = this.#options;
    signal?.addEventListener('abort', onChange);
    try {
      while (this.#unsent.size + this.#open.size > 0) {
        // Taken before looking, so that a change between the look and the wait is not missed.
        const change = changed();
        this.#send();
        const patienceMs = this.#giveUp();
        if (this.#unsent.size + this.#open.size === 0) break;
        await wait(change, patienceMs);
      }
    } finally {
      signal?.removeEventListener('abort', onChange);
    }
    this.#tell();
    return this.#result;
  }

  #send(): void {
    const { signal, maxInFlight, maySend, takeLateConfirm } = this.#options;
    for (const [streamId, message] of this.#unsent) {
      if (signal?.aborted) return;
      if (takeLateConfirm(streamId)) {
        this.#unsent.delete(streamId);
        this.#confirm(streamId);
        continue;
      }
      const window = this.#options.window();
      if (!window || (window.size >= maxInFlight && !window.has(streamId))) return;
      if (maySend && !maySend()) {
        this.#failUnsent({ reason: 'late', message: 'too much time has passed since its claim was renewed' });
        return;
      }
      this.#unsent.delete(streamId);
      this.#open.add(streamId);
      window.send(message, (failure) => this.#settle(streamId, failure));
    }
  }

  /** Fails what has waited long enough. Returns after how many ms to look again; undefined: at the next change. */
  #giveUp(): number | undefined {
    const { signal, unavailableWaitMs, blockedWaitMs, window, status } = this.#options;
    const now = performance.now();
    if (signal?.aborted) {
      this.#abortedAtMs ??= now;
      this.#failUnsent({ reason: 'unavailable', message: 'cancelled before the message was sent' });
      const graceMs = this.#abortedAtMs + ABORT_GRACE_MS - now;
      if (graceMs <= 0)
        this.#failOpen({ reason: 'closed', message: 'cancelled before the broker confirmed the message' });
      return graceMs;
    }
    if (window()) {
      this.#stuckSinceMs = undefined;
      return undefined;
    }
    const { state, detail } = status();
    if (state === 'closed') {
      this.#failUnsent({ reason: 'closed', message: 'the publisher is closed' });
      return undefined;
    }
    this.#stuckSinceMs ??= now;
    const waitMs = this.#stuckSinceMs + (state === 'blocked' ? blockedWaitMs : unavailableWaitMs) - now;
    if (waitMs > 0) return waitMs;
    const reason = state === 'blocked' || state === 'misconfigured' ? state : 'unavailable';
    const message = detail ?? 'there is no connection to RabbitMQ';
    this.#failUnsent({ reason, message });
    // Only an alarm leaves messages without an answer for so long: all else ends their channel, and them with it.
    if (state === 'blocked') this.#failOpen({ reason, message });
    return undefined;
  }

  #settle(streamId: string, failure: Failure | undefined): void {
    const { onChange, onLateConfirm } = this.#options;
    if (!this.#open.delete(streamId)) {
      if (!failure) onLateConfirm(streamId);
      return;
    }
    if (failure) this.#result.failed.push({ streamId, ...failure });
    else this.#confirm(streamId);
    // What the broker forbids it forbids for the rest as well.
    if (failure?.reason === 'misconfigured') this.#failUnsent(failure);
    onChange();
  }

  #confirm(streamId: string): void {
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
      this.#options.logger.error(
        { error: String(error) },
        'onConfirmed failed; the messages are confirmed all the same',
      );
    }
  }

  #failUnsent(failure: Failure): void {
    for (const streamId of this.#unsent.keys()) this.#result.failed.push({ streamId, ...failure });
    this.#unsent.clear();
  }

  #failOpen(failure: Failure): void {
    for (const streamId of this.#open) this.#result.failed.push({ streamId, ...failure });
    this.#open.clear();
  }
}

async function wait(change: Promise<void>, ms: number | undefined): Promise<void> {
  if (ms === undefined) return change;
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, Math.ceil(ms));
  await Promise.race([change, timeout.promise]);
  clearTimeout(timer);
}
