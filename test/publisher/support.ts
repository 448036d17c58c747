import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Channel, type ConsumeMessage, connect } from 'amqplib';
import { pino } from 'pino';
import { secretUrl } from '../../src/config/secret.ts';
import type { StreamEvent } from '../../src/poll/model.ts';
import { type OutgoingMessage, toMessage } from '../../src/publisher/message.ts';
import type { PublisherOptions } from '../../src/publisher/options.ts';
import { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { QUEUE } from '../../src/publisher/topology.ts';
import { type FakeBroker, startFakeBroker } from '../support/fakeBroker.ts';
import { eventually } from '../support/services.ts';

/** An empty virtual host. */
export interface SuiteBroker {
  /** The way that the publisher goes. */
  url: string;
  /** The direct way, for the test itself. */
  directUrl: string;
}

export const POLL_ID = 'poll-streams-2026-11-24T09:30:00Z';

export function event(id: string, fields: Partial<StreamEvent> = {}): StreamEvent {
  return {
    id,
    userId: `user-${id}`,
    userLogin: `login_${id}`,
    gameId: '509658',
    title: 'Building a poller',
    startedAt: '2026-11-24T09:30:00Z',
    reason: 'started',
    detectedAt: '2026-11-24T09:30:21.250Z',
    ...fields,
  };
}

/** Messages with ids `<prefix>0` to `<prefix>n-1`. */
export function messages(count: number, prefix = 's'): OutgoingMessage[] {
  return Array.from({ length: count }, (_, i) => toMessage(event(`${prefix}${i}`), POLL_ID));
}

export function ids(list: readonly OutgoingMessage[]): string[] {
  return list.map(({ streamId }) => streamId);
}

const undo = new WeakMap<TestContext, (() => Promise<unknown>)[]>();

/** Runs `step` when the test has ended; the last registered first, since it may need what came before. */
export function onCleanUp(t: TestContext, step: () => Promise<unknown>): void {
  const steps = undo.get(t);
  if (steps) {
    steps.push(step);
    return;
  }
  const first = [step];
  undo.set(t, first);
  t.after(async () => {
    for (const each of first.reverse()) await each();
  });
}

/** A broker that does as it is told, for this test alone. */
export async function fakeBroker(t: TestContext): Promise<FakeBroker> {
  const broker = await startFakeBroker();
  onCleanUp(t, () => broker.close());
  return broker;
}

export interface TestPublisher {
  publisher: RabbitPublisher;
  /** What it logged, one JSON text a line. */
  log: string[];
}

/** A started publisher that is closed after the test. */
export function startPublisher(t: TestContext, url: string, options: Partial<PublisherOptions> = {}): TestPublisher {
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(line) });
  const publisher = new RabbitPublisher({ url: secretUrl(url), topology: 'declare', logger, ...options });
  publisher.start();
  onCleanUp(t, () => publisher.close());
  return { publisher, log };
}

/** A publisher that is ready to publish. */
export async function readyPublisher(
  t: TestContext,
  url: string,
  options: Partial<PublisherOptions> = {},
): Promise<TestPublisher> {
  const started = startPublisher(t, url, options);
  await isReady(started.publisher);
  return started;
}

export async function isReady(publisher: RabbitPublisher, timeoutMs = 10_000): Promise<void> {
  const message = 'the publisher to be ready';
  await eventually(() => assert.equal(publisher.status().state, 'ready'), { timeoutMs, intervalMs: 5, message });
}

/** A channel past the publisher, for looking at queues and changing them. Closed after the test. */
export async function openChannel(t: TestContext, url: string): Promise<Channel> {
  const connection = await connect(url);
  connection.on('error', () => {});
  onCleanUp(t, () => connection.close().catch(() => {}));
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  return channel;
}

/** Takes all messages out of a queue, in order. */
export async function drain(channel: Channel, queue = QUEUE): Promise<ConsumeMessage[]> {
  const taken: ConsumeMessage[] = [];
  const { messageCount } = await channel.checkQueue(queue);
  const { consumerTag } = await channel.consume(queue, (message) => message && taken.push(message), { noAck: true });
  await eventually(() => taken.length >= messageCount, { message: `${messageCount} messages`, intervalMs: 5 });
  await channel.cancel(consumerTag);
  return taken;
}

export function messageIds(list: readonly ConsumeMessage[]): string[] {
  return list.map(({ properties }) => String(properties.messageId));
}
