import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type Channel, connect, type GetMessage } from 'amqplib';
import { pino } from 'pino';
import { secretUrl } from '../../src/config/secret.ts';
import type { StreamEvent } from '../../src/model.ts';
import { type OutgoingMessage, toMessage } from '../../src/publisher/message.ts';
import { type PublisherOptions, RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { QUEUE } from '../../src/publisher/topology.ts';
import { eventually } from '../support/services.ts';

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

const undo: (() => Promise<unknown>)[] = [];

/** Ends what a test opened, in time for the next. */
export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

export function onCleanUp(step: () => Promise<unknown>): void {
  undo.push(step);
}

// Before the hook in test/support/services.ts, which stops the broker.
after(cleanUp);

export interface TestPublisher {
  publisher: RabbitPublisher;
  /** What it logged, one JSON text a line. */
  log: string[];
}

/** A started publisher that is closed after the test. */
export function startPublisher(url: string, options: Partial<PublisherOptions> = {}): TestPublisher {
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(line) });
  const publisher = new RabbitPublisher({ url: secretUrl(url), topology: 'declare', logger, ...options });
  publisher.start();
  onCleanUp(() => publisher.close());
  return { publisher, log };
}

/** A publisher that is ready to publish. */
export async function readyPublisher(url: string, options: Partial<PublisherOptions> = {}): Promise<TestPublisher> {
  const started = startPublisher(url, options);
  await isReady(started.publisher);
  return started;
}

export async function isReady(publisher: RabbitPublisher, timeoutMs = 10_000): Promise<void> {
  const message = 'the publisher to be ready';
  await eventually(() => assert.equal(publisher.status().state, 'ready'), { timeoutMs, intervalMs: 5, message });
}

/** A channel past the publisher, for looking at queues and changing them. Closed after the test. */
export async function openChannel(url: string): Promise<Channel> {
  const connection = await connect(url);
  connection.on('error', () => {});
  onCleanUp(() => connection.close().catch(() => {}));
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  return channel;
}

/** Takes all messages out of a queue. */
export async function drain(channel: Channel, queue = QUEUE): Promise<GetMessage[]> {
  const taken: GetMessage[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return taken;
    taken.push(message);
  }
}

export function messageIds(list: readonly GetMessage[]): string[] {
  return list.map(({ properties }) => String(properties.messageId));
}
