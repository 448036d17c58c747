import type { Options } from 'amqplib';
import type { Reason, StreamEvent } from '../poll/model.ts';

/** Changes when a consumer has to change: a field taken away or given another meaning. A new header is no change. */
export const SCHEMA_VERSION = 1;

/** The topic exchange's routing key and the message's `type`. */
export const STREAM_ONLINE = 'stream.online';

/** The body: these fields and no others (`docs/schema/stream.online.schema.json`). `game_id` and `title` may be empty. */
export interface StreamOnlineBody {
  user_id: string;
  user_login: string;
  game_id: string;
  title: string;
  /** RFC 3339, UTC, as Twitch sent it. */
  started_at: string;
}

/** What is about the message rather than about the stream (`docs/schema/asyncapi.yaml`). */
export interface StreamOnlineHeaders {
  'x-schema-version': number;
  'x-stream-id': string;
  'x-reason': Reason;
  /** RFC 3339: when the poller found the stream. */
  'x-detected-at': string;
  'x-poll-id': string;
  /** Labels of the targets that show the stream; absent if they have none. */
  'x-labels'?: string[];
}

/** A message ready to be sent. The stream id is its identity: the broker's returns and consumers know it by this. */
export interface OutgoingMessage {
  streamId: string;
  routingKey: string;
  content: Buffer;
  properties: Options.Publish & { messageId: string; headers: StreamOnlineHeaders };
}

/**
 * Turns an event into its message. The same event gives the same message at every attempt, so that a repeat can be
 * recognised by its `messageId`.
 *
 * @param pollId the poll that claimed the stream, for tracing a message back to its run
 * @param labels of the targets that show it, as they are at this attempt
 */
export function toMessage(event: StreamEvent, pollId: string, labels: readonly string[] = []): OutgoingMessage {
  const body: StreamOnlineBody = {
    user_id: event.userId,
    user_login: event.userLogin,
    game_id: event.gameId,
    title: event.title,
    started_at: event.startedAt,
  };
  return {
    streamId: event.id,
    routingKey: STREAM_ONLINE,
    content: Buffer.from(JSON.stringify(body)),
    properties: {
      messageId: event.id,
      type: STREAM_ONLINE,
      // AMQP 0-9-1 counts timestamps in seconds.
      timestamp: Math.floor(Date.parse(event.detectedAt) / 1_000),
      appId: 'stream-poller',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      persistent: true,
      // Without it RabbitMQ confirms a message that no queue took (https://www.rabbitmq.com/docs/confirms).
      mandatory: true,
      headers: {
        'x-schema-version': SCHEMA_VERSION,
        'x-stream-id': event.id,
        'x-reason': event.reason,
        'x-detected-at': event.detectedAt,
        'x-poll-id': pollId,
        ...(labels.length > 0 && { 'x-labels': [...labels] }),
      },
    },
  };
}
