import { type ConfirmChannel, IllegalOperationError, type Message } from 'amqplib';
import { brokerText, replyCode } from './brokerErrors.ts';
import type { OutgoingMessage } from './message.ts';

/** Why a message is not confirmed. */
export type FailureReason =
  | 'nacked'
  | 'returned'
  | 'timeout'
  | 'closed'
  | 'blocked'
  | 'unavailable'
  | 'misconfigured'
  /** The caller's right to send it had run out. */
  | 'late';

export interface Failure {
  reason: FailureReason;
  message: string;
}

/** Told once how a message ended; without a failure it is confirmed. Must not throw: amqplib runs it. */
export type Settle = (failure?: Failure) => void;

export interface ConfirmWindowOptions {
  /** Where messages are sent. */
  exchange: string;
  confirmTimeoutMs: number;
  /** What an exchange that is gone means: it is declared again (`closed`), or that is the operator's affair. */
  missingExchange: 'closed' | 'misconfigured';
  /** No queue took a message. */
  onReturned: (text: string) => void;
  /** A message was confirmed: the exchange exists and leads to a queue. */
  onConfirmed: () => void;
  /** The channel is gone, or unusable and being closed; every message has been settled. Called once. */
  onClosed: (failure: Failure) => void;
}

interface InFlight {
  settle: Settle[];
  deadlineMs: number;
  returned?: string;
}

/** The messages that are sent on one confirm channel and not yet answered: each is settled, whatever happens. */
export class ConfirmWindow {
  readonly #channel: ConfirmChannel;
  readonly #options: ConfirmWindowOptions;
  /** In the order of their deadlines. */
  readonly #inFlight = new Map<string, InFlight>();
  #channelError: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #closed = false;

  constructor(channel: ConfirmChannel, options: ConfirmWindowOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.on('error', (error) => {
      this.#channelError = error;
    });
    channel.on('handler-error', (error) => {
      this.#channelError = error;
    });
    channel.on('return', (message) => this.#onReturn(message));
    // Before amqplib's own listener, which tells each message's callback no more than "channel closed".
    channel.prependListener('close', () => this.#end(this.#closeFailure()));
  }

  get size(): number {
    return this.#inFlight.size;
  }

  /** Whether a message waits for its answer: sending it again takes no room. */
  has(streamId: string): boolean {
    return this.#inFlight.has(streamId);
  }

  /** Sends a message. One that is in flight already is not sent again: both callers learn how it ends. */
  send(message: OutgoingMessage, settle: Settle): void {
    const { streamId, routingKey, content, properties } = message;
    const same = this.#inFlight.get(streamId);
    if (same) {
      same.settle.push(settle);
      return;
    }
    const entry: InFlight = { settle: [settle], deadlineMs: performance.now() + this.#options.confirmTimeoutMs };
    this.#inFlight.set(streamId, entry);
    try {
      // What it returns does not matter: the window is smaller than the channel's buffer (1,024 frames).
      this.#channel.publish(this.#options.exchange, routingKey, content, properties, (error) =>
        this.#onAnswer(streamId, entry, error),
      );
    } catch (error) {
      if (error instanceof IllegalOperationError) {
        this.#end({ reason: 'closed', message: `the channel is closed: ${error.message}` });
      } else {
        // amqplib could not encode it, and has sent nothing.
        this.#inFlight.delete(streamId);
        settle({ reason: 'nacked', message: `the message cannot be sent: ${brokerText(error)}` });
      }
      return;
    }
    this.#arm();
  }

  /** While the broker takes nothing in, waiting for an answer is no sign of a fault. */
  pause(): void {
    this.#paused = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.#paused = false;
    const deadlineMs = performance.now() + this.#options.confirmTimeoutMs;
    for (const entry of this.#inFlight.values()) entry.deadlineMs = deadlineMs;
    this.#arm();
  }

  /** Gives the channel up. */
  fail(failure: Failure): void {
    this.#end(failure);
  }

  #onReturn(message: Message): void {
    const { replyCode: code, replyText } = message.fields as { replyCode?: number; replyText?: string };
    const text = `no queue took the message (${code} ${replyText})`;
    const entry = this.#inFlight.get(String(message.properties.messageId));
    // The broker confirms a returned message as well, after this (https://www.rabbitmq.com/docs/confirms).
    if (entry) entry.returned = text;
    this.#options.onReturned(text);
  }

  #onAnswer(streamId: string, entry: InFlight, error: unknown): void {
    if (this.#inFlight.get(streamId) !== entry) return;
    this.#inFlight.delete(streamId);
    if (this.#inFlight.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    let failure: Failure | undefined;
    if (entry.returned) failure = { reason: 'returned', message: entry.returned };
    else if (error) failure = { reason: 'nacked', message: 'the broker refused the message (is the queue full?)' };
    else this.#options.onConfirmed();
    for (const settle of entry.settle) settle(failure);
  }

  #arm(): void {
    const [oldest] = this.#inFlight.values();
    if (!oldest || this.#timer || this.#paused || this.#closed) return;
    const expire = () => {
      this.#timer = undefined;
      this.#expire();
    };
    this.#timer = setTimeout(expire, Math.max(1, Math.ceil(oldest.deadlineMs - performance.now())));
  }

  #expire(): void {
    const now = performance.now();
    const late = [...this.#inFlight].filter(([, { deadlineMs }]) => deadlineMs <= now);
    if (late.length === 0) {
      this.#arm();
      return;
    }
    const failure: Failure = {
      reason: 'timeout',
      message: `the broker did not confirm a message within ${this.#options.confirmTimeoutMs} ms`,
    };
    for (const [streamId, { settle }] of late) {
      this.#inFlight.delete(streamId);
      for (const each of settle) each(failure);
    }
    this.#end({ reason: 'closed', message: `the channel was given up: ${failure.message}` }, failure);
  }

  #closeFailure(): Failure {
    const error = this.#channelError;
    if (!error) return { reason: 'closed', message: 'the connection was lost before the broker confirmed the message' };
    const code = replyCode(error);
    const reason = code === 403 ? 'misconfigured' : code === 404 ? this.#options.missingExchange : 'closed';
    return { reason, message: brokerText(error) };
  }

  /** @param cause what to report, where it is not what happened to the messages */
  #end(failure: Failure, cause = failure): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const entries = [...this.#inFlight.values()];
    this.#inFlight.clear();
    // Its state is unknown to us from here on: an answer that still comes must not be taken for another message's.
    this.#channel.close().catch(() => {});
    for (const { settle } of entries) for (const each of settle) each(failure);
    this.#options.onClosed(cause);
  }
}
