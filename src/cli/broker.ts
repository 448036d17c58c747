import type { ChannelModel } from 'amqplib';
import type { Secret } from '../config/secret.ts';
import { COMMAND_CONNECT_MS, PUBLISHER } from '../poll/limits.ts';
import { BrokerConfigurationError } from '../publisher/brokerErrors.ts';
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
