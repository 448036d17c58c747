import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { type Secret, secretUrl } from '../../config/secret.ts';
import { type Backoff, backoffMs } from '../../lib/backoff.ts';
import { clock, duration, printable } from '../../lib/words.ts';
import type { Reason } from '../../poll/model.ts';
import { replyCode } from '../../publisher/brokerErrors.ts';
import { STREAM_ONLINE, type StreamOnlineBody } from '../../publisher/message.ts';
import { openChannel } from '../../publisher/queues.ts';
import { brokerNames } from '../../publisher/topology.ts';
import { withBroker } from '../broker.ts';

/** A `stream.online` message as it was received: its body, and what its properties and headers say. */
export interface WatchedEvent extends StreamOnlineBody {
  /** The stream id: the same for a repeat. */
  message_id: string;
  reason: Reason;
  /** RFC 3339. */
  detected_at: string;
  poll_id: string;
  /** RFC 3339: when it arrived here. */
  received_at: string;
}

export interface WatchOptions {
  /** The broker; a text is as secret as a `Secret`. */
  url: Secret | string;
  /** `RABBITMQ_PREFIX`. Default: none. */
  prefix?: string;
  onEvent: (event: WatchedEvent) => void;
  /** Told in words when the connection comes, breaks, or waits for something. */
  onState?: (words: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

const RECONNECT: Backoff = { firstMs: 250, mostMs: 5_000 };
const EXCHANGE_RETRY_MS = 1_000;
/** A watcher that does not keep up loses the oldest events rather than fill the broker's memory. */
const MOST_WAITING = 10_000;

class ExchangeMissingError extends Error {}

/**
 * Watches events as they are published, by a queue of its own that ends with the connection: the real queue keeps its
 * messages. It connects again whenever the connection breaks; what is published meanwhile is not seen. Resolves when
 * the signal says so.
 *
 * @throws UnavailableError when the first connection fails
 */
export async function watchEvents(options: WatchOptions): Promise<void> {
  const { signal, onState } = options;
  const { exchange } = brokerNames(options.prefix);
  const url = typeof options.url === 'string' ? secretUrl(options.url) : options.url;
  let everConnected = false;
  let said = '';
  const say = (words: string) => {
    if (words !== said) onState?.(words);
    said = words;
  };
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    let delayMs: number | undefined;
    try {
      await watchOnce(url, exchange, options, () => {
        say(`watching ${STREAM_ONLINE} at ${url}`);
        everConnected = true;
        attempt = 1;
      });
      if (!signal.aborted)
        say('the connection to RabbitMQ broke; connecting again (its queue keeps what is published)');
    } catch (error) {
      if (error instanceof ExchangeMissingError) {
        everConnected = true;
        delayMs = EXCHANGE_RETRY_MS;
        say(`waiting for a worker to set up the exchange ${exchange} (npm run worker)`);
      } else if (!everConnected) {
        throw error;
      } else {
        say(`no connection yet: ${(error as Error).message}`);
      }
    }
    await sleep(delayMs ?? backoffMs(attempt, RECONNECT), undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves when the connection has ended, or the consumer, or on the signal. */
async function watchOnce(
  url: Secret,
  exchange: string,
  { onEvent, onState, signal }: WatchOptions,
  onReady: () => void,
): Promise<void> {
  await withBroker(url, async (connection) => {
    const ended = once(connection, 'close', { signal }).catch(() => undefined);
    const consuming = (async () => {
      const channel = await openChannel(connection);
      const cancelled = once(channel, 'close').catch(() => undefined);
      try {
        await channel.checkExchange(exchange);
      } catch (error) {
        if (replyCode(error) === 404) throw new ExchangeMissingError();
        throw error;
      }
      const { queue } = await channel.assertQueue('', {
        exclusive: true,
        autoDelete: true,
        durable: false,
        maxLength: MOST_WAITING,
      });
      await channel.bindQueue(queue, exchange, STREAM_ONLINE);
      const onMessage = (message: ConsumeMessage | null) => {
        if (message === null) return void channel.close().catch(() => undefined);
        const event = readMessage(message, new Date());
        if (event) onEvent(event);
        else onState?.('a message was not a stream.online event');
      };
      await channel.consume(queue, onMessage, { noAck: true });
      onReady();
      await cancelled;
    })();
    // When the connection ends first, what waits on it fails too: that is the same news.
    consuming.catch(() => undefined);
    await Promise.race([ended, consuming]);
  });
}

/** Reads a message; undefined if it is not one of ours. */
export function readMessage({ content, properties }: ConsumeMessage, receivedAt: Date): WatchedEvent | undefined {
  let body: Partial<Record<keyof StreamOnlineBody, unknown>> | null;
  try {
    body = JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null || typeof body.user_id !== 'string') return undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const headers: Record<string, unknown> = properties.headers ?? {};
  return {
    user_id: body.user_id,
    user_login: text(body.user_login),
    game_id: text(body.game_id),
    title: text(body.title),
    started_at: text(body.started_at),
    message_id: text(properties.messageId),
    reason: (text(headers['x-reason']) || 'started') as Reason,
    detected_at: text(headers['x-detected-at']),
    poll_id: text(headers['x-poll-id']),
    received_at: receivedAt.toISOString(),
  };
}

const REASON_WORDS: Record<Reason, string> = {
  started: 'started',
  entered_game: 'entered the game',
  first_sight: 'is on, seen for the first time',
};

/** One line for people: when, who, why, what, where, and how long after the stream's start the event arrived. */
export function formatEvent(event: WatchedEvent): string {
  const login = printable(event.user_login);
  const afterMs = Date.parse(event.received_at) - Date.parse(event.started_at);
  return [
    clock(new Date(event.received_at)),
    login || `user ${printable(event.user_id)}`,
    REASON_WORDS[event.reason] ?? printable(event.reason),
    event.game_id ? `game ${printable(event.game_id)}` : 'no game',
    event.title ? `"${printable(event.title)}"` : 'no title',
    ...(login ? [`https://twitch.tv/${login}`] : []),
    ...(Number.isFinite(afterMs) ? [`${duration(afterMs)} after start`] : []),
  ].join('  ');
}
