import type { Channel, ChannelModel } from 'amqplib';
import { replyCode } from './brokerErrors.ts';

/** Messages that are ready in a queue, and who reads it. */
export interface QueueDepth {
  messages: number;
  consumers: number;
}

/** A channel whose errors are thrown by what was done on it, and only there. */
export async function openChannel(connection: ChannelModel): Promise<Channel> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

/** How full queues are, by their names; `null` for one that does not exist. */
export async function queueDepths(
  connection: ChannelModel,
  queues: readonly string[],
): Promise<Record<string, QueueDepth | null>> {
  const depths = await Promise.all(queues.map(async (queue) => [queue, await queueDepth(connection, queue)] as const));
  return Object.fromEntries(depths);
}

async function queueDepth(connection: ChannelModel, queue: string): Promise<QueueDepth | null> {
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
