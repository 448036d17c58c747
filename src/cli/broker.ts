import { type Channel, type ChannelModel, connect } from 'amqplib';
import type { Secret } from '../config/secret.ts';
import { BROKER_ANSWER_MS, COMMAND_CONNECT_MS } from '../poll/limits.ts';
import { BrokerConfigurationError, explainConnectFailure, replyCode, vhostOf } from '../publisher/brokerErrors.ts';
import { UnavailableError } from './errors.ts';

const HEARTBEAT_SECONDS = 10;

/** Connects, or says in plain words why not. Close with {@link closeBroker}. @throws UnavailableError */
export async function connectBroker(url: Secret): Promise<ChannelModel> {
  const address = new URL(url.reveal());
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  try {
    const connection = await connect(address.href, { timeout: COMMAND_CONNECT_MS });
    // Without a listener it would end the process; what follows from it arrives with 'close'.
    connection.on('error', () => undefined);
    return connection;
  } catch (error) {
    throw brokerUnavailable(url, error);
  }
}

/** Closes a connection, in bounded time. */
export async function closeBroker(connection: ChannelModel): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, BROKER_ANSWER_MS);
  });
  await Promise.race([connection.close().catch(() => undefined), timeout]);
  clearTimeout(timer);
}

/** A channel whose errors are thrown by what was done on it, and only there. */
export async function openChannel(connection: ChannelModel): Promise<Channel> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

/** Messages that are ready in a queue, and who reads it; undefined if there is no such queue. */
export async function queueDepth(
  connection: ChannelModel,
  queue: string,
): Promise<{ messages: number; consumers: number } | undefined> {
  // A channel of its own: a queue that is missing costs the channel its life.
  const channel = await openChannel(connection);
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    await channel.close();
    return { messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (replyCode(error) === 404) return undefined;
    throw error;
  }
}

function brokerUnavailable(url: Secret, error: unknown): UnavailableError {
  const explained = explainConnectFailure(error, vhostOf(url.reveal()));
  const message =
    explained instanceof BrokerConfigurationError
      ? `RabbitMQ at ${url}: ${explained.message}`
      : `RabbitMQ does not answer at ${url} (RABBITMQ_URL): ${explained.message}. Is it running there?`;
  return new UnavailableError(message, { cause: error });
}
