import type { Channel, ChannelModel } from 'amqplib';
import type { Secret } from '../config/secret.ts';
import { COMMAND_CONNECT_MS, PUBLISHER } from '../poll/limits.ts';
import { BrokerConfigurationError, replyCode } from '../publisher/brokerErrors.ts';
import { connectOnce, leave } from '../publisher/connection.ts';
import { UnavailableError } from './errors.ts';

/** Runs `work` with a connection and closes it, in bounded time. @throws UnavailableError */
export async function withBroker<T>(url: Secret, work: (connection: ChannelModel) => Promise<T>): Promise<T> {
  const connection = await connectOnce({ ...PUBLISHER, url, connectTimeoutMs: COMMAND_CONNECT_MS }).catch(
    (error: Error) => {
      const message =
        error instanceof BrokerConfigurationError
          ? `RabbitMQ at ${url}: ${error.message}`
          : `RabbitMQ does not answer at ${url} (RABBITMQ_URL): ${error.message}. Is it running there?`;
      throw new UnavailableError(message, { cause: error });
    },
  );
  try {
    return await work(connection);
  } finally {
    await leave(connection);
  }
}

/** A channel whose errors are thrown by what was done on it, and only there. */
export async function openChannel(connection: ChannelModel): Promise<Channel> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

/** Messages that are ready in a queue, and who reads it; `null` if there is no such queue. */
export async function queueDepth(
  connection: ChannelModel,
  queue: string,
): Promise<{ messages: number; consumers: number } | null> {
  // A channel of its own: a queue that is missing costs the channel its life.
  const channel = await openChannel(connection);
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    await channel.close();
    return { messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (replyCode(error) === 404) return null;
    throw error;
  }
}
