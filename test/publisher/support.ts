import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Channel, type ConsumeMessage, connect } from 'amqplib';
import { secretUrl } from '../../src/config/secret.ts';
import { createLogger } from '../../src/lib/log.ts';
import type { StreamEvent } from '../../src/poll/model.ts';
import { type OutgoingMessage, toMessage } from '../../src/publisher/message.ts';
import type { PublisherOptions } from '../../src/publisher/options.ts';
import type { PublishResult } from '../../src/publisher/publishCall.ts';
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

const undo = new WeakMap<TestContext, AsyncDisposableStack>();

/** Runs `step` when the test has ended; the last registered first, since it may need what came before. */
export function onCleanUp(t: TestContext, step: () => Promise<unknown>): void {
  const steps = undo.get(t) ?? new AsyncDisposableStack();
  if (!undo.has(t)) t.after(() => steps.disposeAsync());
  undo.set(t, steps);
  steps.defer(async () => void (await step()));
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
  const logger = createLogger('debug', { to: { write: (line: string) => void log.push(line) } });
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

/** A broker, and a publisher that is ready to send there. */
export async function brokerAndPublisher<B extends { url: string }>(
  t: TestContext,
  makeBroker: (t: TestContext) => Promise<B>,
  options: Partial<PublisherOptions> = {},
): Promise<TestPublisher & { broker: B }> {
  const broker = await makeBroker(t);
  return { broker, ...(await readyPublisher(t, broker.url, options)) };
}

/** A broker that does as it is told, and a publisher that is ready to send there and leaves the topology alone. */
export function fakeAndPublisher(t: TestContext, options: Partial<PublisherOptions> = {}) {
  return brokerAndPublisher(t, fakeBroker, { topology: 'off', ...options });
}

/** What became of messages that were not confirmed: `<stream id> <reason>`. */
export function outcomes(failed: PublishResult['failed']): string[] {
  return failed.map(({ streamId, reason }) => `${streamId} ${reason}`);
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

/** Takes all messages out of the queue and tells their ids, in order. */
export async function drainIds(t: TestContext, url: string): Promise<string[]> {
  return messageIds(await drain(await openChannel(t, url)));
}

export function messageIds(list: readonly ConsumeMessage[]): string[] {
  return list.map(({ properties }) => String(properties.messageId));
}
