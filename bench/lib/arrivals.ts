import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { QUEUE } from '../../src/publisher/topology.ts';
import type { GoneLive } from './sandboxProcess.ts';

/**
 * Takes every message from the queue at once and notes when it came, in Unix milliseconds. A message can be taken when the
 * broker has it safe, so its arrival is never before its confirm.
 */
export class Arrivals {
  /** First arrival by stream id. */
  readonly atMs = new Map<string, number>();
  /** Messages for a stream id that had arrived before. */
  repeats = 0;
  /** Known once it has started. */
  brokerVersion = '';
  #connection: ChannelModel | undefined;

  /** Begins to take messages as soon as the queue exists; once, however often it is called. */
  async start(url: string): Promise<void> {
    if (this.#connection) return;
    this.#connection = await connect(url);
    this.#connection.on('error', () => undefined);
    this.brokerVersion = String(this.#connection.connection.serverProperties.version);
    for (;;) {
      const channel = await this.#connection.createChannel();
      channel.on('error', () => undefined);
      try {
        await channel.checkQueue(QUEUE);
      } catch {
        await sleep(50);
        continue;
      }
      await channel.consume(QUEUE, (message) => message && this.#note(message.properties.messageId), { noAck: true });
      return;
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
    await this.#connection?.close().catch(() => undefined);
  }

  #note(id: string): void {
    if (this.atMs.has(id)) this.repeats += 1;
    else this.atMs.set(id, Date.now());
  }
}

/** How long after it was visible, or served, each stream arrived, in milliseconds; without those that did not arrive. */
export function lagsMs(
  goneLive: readonly GoneLive[],
  atMs: ReadonlyMap<string, number>,
  since: 'visibleMs' | 'servedMs',
): number[] {
  return goneLive.flatMap((stream) => {
    const [fromMs, toMs] = [stream[since], atMs.get(stream.streamId)];
    return fromMs === undefined || toMs === undefined ? [] : [toMs - fromMs];
  });
}
