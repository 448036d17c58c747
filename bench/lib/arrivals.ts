import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { QUEUE } from '../../src/publisher/topology.ts';

/**
 * Takes every message from the queue at once and notes when it came, in Unix milliseconds. A message can be taken when the
 * broker has it safe, so its arrival is never before its confirm.
 */
export class Arrivals {
  /** First arrival by stream id. */
  readonly atMs = new Map<string, number>();
  /** Messages for a stream id that had arrived before. */
  repeats = 0;
  /** Version of the broker. */
  readonly brokerVersion: string;
  readonly #connection: ChannelModel;

  private constructor(connection: ChannelModel) {
    this.#connection = connection;
    this.brokerVersion = String(connection.connection.serverProperties.version);
  }

  /** Starts as soon as the queue exists. */
  static async start(url: string): Promise<Arrivals> {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    const arrivals = new Arrivals(connection);
    for (;;) {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      try {
        await channel.checkQueue(QUEUE);
      } catch {
        await sleep(50);
        continue;
      }
      await channel.consume(
        QUEUE,
        (message) => {
          if (!message) return;
          const id = String(message.properties.messageId);
          if (arrivals.atMs.has(id)) arrivals.repeats += 1;
          else arrivals.atMs.set(id, Date.now());
        },
        { noAck: true },
      );
      return arrivals;
    }
  }

  /** Waits until a stream of each id has arrived, or the time is over. Returns those that have not. */
  async missing(ids: readonly string[], timeoutMs: number): Promise<string[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const missing = ids.filter((id) => !this.atMs.has(id));
      if (missing.length === 0 || Date.now() > deadline) return missing;
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    await this.#connection.close().catch(() => undefined);
  }
}
