import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { QUEUE } from '../../src/publisher/topology.ts';

export interface Received {
  messageId: string;
  body: Record<string, unknown>;
  message: ConsumeMessage;
}

/** Takes every message from a queue and keeps it, as a consumer would: acknowledged one by one. */
export class Consumer {
  readonly received: Received[] = [];
  readonly #connection: ChannelModel;

  private constructor(connection: ChannelModel) {
    this.#connection = connection;
  }

  /** Starts as soon as the queue exists. */
  static async start(url: string, queue = QUEUE): Promise<Consumer> {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    for (;;) {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      const consumer = new Consumer(connection);
      try {
        await channel.checkQueue(queue);
        // A queue that was declared a moment ago may still refuse a consumer.
        await channel.consume(queue, (message) => {
          if (!message) return;
          const body = JSON.parse(message.content.toString('utf8'));
          consumer.received.push({ messageId: String(message.properties.messageId), body, message });
          channel.ack(message);
        });
      } catch {
        await sleep(50);
        continue;
      }
      return consumer;
    }
  }

  /** Stream ids in the order of their messages, repeats included. */
  get ids(): string[] {
    return this.received.map((received) => received.messageId);
  }

  async stop(): Promise<void> {
    await this.#connection.close();
  }
}
