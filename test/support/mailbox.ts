import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { DEAD_QUEUE, QUEUE } from '../../src/publisher/topology.ts';
import { eventually } from './services.ts';

/** A message as it came out of a queue. */
export interface Arrival {
  queue: string;
  /** Unix milliseconds. */
  atMs: number;
  messageId: string;
  content: Buffer;
  /** `content` as JSON. */
  body: Record<string, unknown>;
  type: unknown;
  headers: Record<string, unknown>;
}

const RETRY_MS = 100;

/**
 * Takes every message from `stream.online` and `stream.online.dead`, or other queues, as a consumer would, by a connection
 * of its own that leads past all proxies and comes back by itself.
 *
 * The queues themselves are read, not a second queue bound beside them: that one would take messages which no other
 * queue takes, and a publisher without `mandatory` would go unnoticed.
 *
 * When the connection is lost, acknowledgements may be lost with it, and the broker delivers those messages again,
 * flagged as redelivered. Such a delivery is no repeat by the service: it is counted apart, once for each message that
 * was received on the lost connection.
 */
export class Mailbox {
  readonly arrivals: Arrival[] = [];
  /** Deliveries that were the broker's repeats. */
  redeliveries = 0;
  readonly #url: string;
  readonly #queues: readonly string[];
  #connection: ChannelModel | undefined;
  #stopped = false;
  #current: string[] = [];
  #unsure: string[] = [];
  #running: Promise<void>;

  constructor(url: string, queues: readonly string[] = [QUEUE, DEAD_QUEUE]) {
    this.#url = url;
    this.#queues = queues;
    this.#running = this.#run();
  }

  /** Stream ids in the order of their messages, repeats included. */
  get ids(): string[] {
    return this.arrivals.map(({ messageId }) => messageId);
  }

  /** Waits until there is one message for each of these streams, and no other. */
  async holds(ids: readonly string[], timeoutMs = 20_000): Promise<void> {
    await eventually(() => assert.deepEqual(this.ids.sort(), ids.toSorted()), {
      timeoutMs,
      message: 'each stream once, and nothing else',
    });
  }

  /** Unix milliseconds of the newest arrival, 0 before the first. */
  get lastArrivalMs(): number {
    return this.arrivals.at(-1)?.atMs ?? 0;
  }

  /**
   * Subscribes anew. RabbitMQ 3.10 does not tell the consumers of a quorum queue that is deleted and declared again within
   * milliseconds: they stay subscribed to what is gone, and get nothing.
   */
  async reconnect(): Promise<void> {
    await this.#connection?.close().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#connection?.close().catch(() => undefined);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const connection = await connect(this.#url, { timeout: 2_000 });
        this.#connection = connection;
        const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
        connection.on('error', () => undefined);
        if (this.#stopped) await connection.close();
        const queues = this.#queues.map((queue) => this.#consume(connection, queue, closed));
        await Promise.all([closed, ...queues]);
      } catch {
        // The broker is away, or its node is on its way down: the next attempt tells.
      }
      this.#unsure = [...this.#current, ...this.#unsure].slice(0, 1_000);
      this.#current = [];
      await sleep(RETRY_MS);
    }
  }

  /** Consumes one queue for as long as the connection lives, also when the queue is deleted and declared again. */
  async #consume(connection: ChannelModel, queue: string, closed: Promise<void>): Promise<void> {
    let open = true;
    void closed.then(() => {
      open = false;
    });
    while (open) {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      const ended = new Promise<void>((resolve) => channel.once('close', () => resolve()));
      const cancelled = Promise.withResolvers<void>();
      try {
        await channel.checkQueue(queue);
        await channel.consume(queue, (message) => {
          if (message) this.#receive(channel, queue, message);
          else cancelled.resolve();
        });
        await Promise.race([cancelled.promise, ended, closed]);
        // It waits for an answer, which a connection that is lost meanwhile does not bring.
        await Promise.race([channel.close().catch(() => undefined), closed]);
      } catch {
        // Not declared yet, or not any more: the service declares it.
        await sleep(RETRY_MS);
      }
    }
  }

  #receive(channel: Channel, queue: string, message: ConsumeMessage): void {
    const { properties, fields, content } = message;
    const headers = properties.headers ?? {};
    const key = `${queue} ${properties.messageId} ${headers['x-poll-id']} ${headers['x-detected-at']}`;
    const known = fields.redelivered ? this.#unsure.indexOf(key) : -1;
    this.#current.unshift(key);
    if (known >= 0) {
      this.#unsure.splice(known, 1);
      this.redeliveries += 1;
    } else {
      this.arrivals.push({
        queue,
        atMs: Date.now(),
        messageId: String(properties.messageId),
        content,
        body: JSON.parse(content.toString('utf8')),
        type: properties.type,
        headers,
      });
    }
    try {
      channel.ack(message);
    } catch {
      // The channel closed meanwhile: the broker delivers it again.
    }
  }
}
