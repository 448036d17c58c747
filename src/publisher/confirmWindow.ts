import { type ConfirmChannel, IllegalOperationError, type Message } from 'amqplib';
import { brokerText, replyCode } from './brokerErrors.ts';
import type { OutgoingMessage } from './message.ts';
import type { PublisherSettings } from './options.ts';
import type { Failure } from './outcome.ts';
import { brokerNames } from './topology.ts';

/** What a channel's messages tell about the broker. */
export interface WindowEvents {
  /** No queue took a message. */
  returned: (text: string) => void;
  /** A message was confirmed: the exchange exists and leads to a queue. */
  confirmed: () => void;
  /** The channel is gone, or unusable and being closed; every message has been answered. Told once. */
  closed: (failure: Failure) => void;
}

interface InFlight {
  /** How it ended; without a failure it is confirmed. */
  answer: PromiseWithResolvers<Failure | undefined>;
  timer: NodeJS.Timeout;
  returned?: string;
}

/** The messages that are sent on one confirm channel and not yet answered: each gets its answer, whatever happens. */
export class ConfirmWindow {
  readonly #channel: ConfirmChannel;
  readonly #settings: PublisherSettings;
  readonly #exchange: string;
  readonly #events: WindowEvents;
  readonly #inFlight = new Map<string, InFlight>();
  #channelError: Error | undefined;
  #blocked = false;
  #closed = false;

  constructor(channel: ConfirmChannel, settings: PublisherSettings, events: WindowEvents) {
    this.#channel = channel;
    this.#settings = settings;
    this.#exchange = brokerNames(settings.prefix).exchange;
    this.#events = events;
    const onError = (error: Error) => {
      this.#channelError = error;
    };
    channel.on('error', onError);
    channel.on('handler-error', onError);
    channel.on('return', (message) => this.#onReturn(message));
    // Before amqplib's own listener, which tells each message's callback no more than "channel closed".
    channel.prependListener('close', () => this.close(this.#closeFailure()));
  }

  get size(): number {
    return this.#inFlight.size;
  }

  /** Whether a message waits for its answer: sending it again takes no room. */
  has(streamId: string): boolean {
    return this.#inFlight.has(streamId);
  }

  /** While the broker takes nothing in, waiting for an answer is no sign of a fault; after that the time starts anew. */
  set blocked(blocked: boolean) {
    this.#blocked = blocked;
    for (const { timer } of this.#inFlight.values()) timer.refresh();
  }

  /**
   * Sends a message and resolves with why it is not confirmed, or with nothing when it is. Never rejects. A message that
   * is in flight already is not sent again: both callers get the one answer.
   */
  send({ streamId, routingKey, content, properties }: OutgoingMessage): Promise<Failure | undefined> {
    const same = this.#inFlight.get(streamId);
    if (same) return same.answer.promise;
    const entry: InFlight = {
      answer: Promise.withResolvers(),
      timer: setTimeout(() => this.#expire(streamId, entry), this.#settings.confirmTimeoutMs),
    };
    this.#inFlight.set(streamId, entry);
    try {
      // What it returns does not matter: the window is smaller than the channel's buffer (1,024 frames).
      this.#channel.publish(this.#exchange, routingKey, content, properties, (error) =>
        this.#onAnswer(streamId, entry, error),
      );
    } catch (error) {
      if (error instanceof IllegalOperationError) {
        this.close({ reason: 'closed', message: `the channel is closed: ${error.message}` });
      } else {
        // amqplib could not encode it, and has sent nothing.
        this.#settle(streamId, entry, {
          reason: 'nacked',
          message: `the message cannot be sent: ${brokerText(error)}`,
        });
      }
    }
    return entry.answer.promise;
  }

  /**
   * Gives the channel up.
   *
   * @param cause what to tell, where it is not what happened to the messages
   */
  close(failure: Failure, cause = failure): void {
    for (const [streamId, entry] of this.#inFlight) this.#settle(streamId, entry, failure);
    if (this.#closed) return;
    this.#closed = true;
    // Its state is unknown to us from here on: an answer that still comes must not be taken for another message's.
    this.#channel.close().catch(() => {});
    this.#events.closed(cause);
  }

  #onReturn({ fields, properties }: Message): void {
    const { replyCode: code, replyText } = fields as { replyCode?: number; replyText?: string };
    const text = `no queue took the message (${code} ${replyText})`;
    const entry = this.#inFlight.get(String(properties.messageId));
    // The broker confirms a returned message as well, after this (https://www.rabbitmq.com/docs/confirms).
    if (entry) entry.returned = text;
    this.#events.returned(text);
  }

  #onAnswer(streamId: string, entry: InFlight, error: unknown): void {
    // Its channel was given up.
    if (this.#inFlight.get(streamId) !== entry) return;
    let failure: Failure | undefined;
    if (entry.returned) failure = { reason: 'returned', message: entry.returned };
    else if (error) failure = { reason: 'nacked', message: 'the broker refused the message (is the queue full?)' };
    else this.#events.confirmed();
    this.#settle(streamId, entry, failure);
  }

  #expire(streamId: string, entry: InFlight): void {
    if (this.#blocked) return;
    const message = `the broker did not confirm a message within ${this.#settings.confirmTimeoutMs} ms`;
    const failure: Failure = { reason: 'timeout', message };
    this.#settle(streamId, entry, failure);
    this.close({ reason: 'closed', message: `the channel was given up: ${message}` }, failure);
  }

  #settle(streamId: string, { answer, timer }: InFlight, failure: Failure | undefined): void {
    clearTimeout(timer);
    this.#inFlight.delete(streamId);
    answer.resolve(failure);
  }

  #closeFailure(): Failure {
    const error = this.#channelError;
    if (!error) return { reason: 'closed', message: 'the connection was lost before the broker confirmed the message' };
    const code = replyCode(error);
    // An exchange that is gone is declared again, or is the operator's affair.
    const permanent = code === 403 || (code === 404 && this.#settings.topology !== 'declare');
    return { reason: permanent ? 'misconfigured' : 'closed', message: brokerText(error) };
  }
}
