import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { ConsumeMessage } from 'amqplib';
import { toMessage } from '../../src/publisher/message.ts';
import { DEAD_QUEUE, EXCHANGE, QUEUE } from '../../src/publisher/topology.ts';
import { eventually } from '../support/services.ts';
import {
  brokerAndPublisher,
  drain,
  drainIds,
  event,
  ids,
  messageIds,
  messages,
  openChannel,
  POLL_ID,
  readyPublisher,
  type SuiteBroker,
} from './support.ts';
import { topologyTests } from './topologySuite.ts';

/** What every broker must show, whichever way it is reached. */
export function publisherSuite(
  name: string,
  makeBroker: (t: TestContext) => Promise<SuiteBroker>,
  options: { concurrency?: number } = {},
): void {
  describe(`publisher: ${name}`, { concurrency: 3, ...options }, () => {
    test('a message has exactly the five fields, and the properties and headers of its event', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
      const title = 'Grüße 🎮 "quoted" \u0000 end';
      const message = toMessage(event('41375541868', { title, gameId: '' }), POLL_ID);
      assert.deepEqual(await publisher.publish([message]), { confirmed: ['41375541868'], failed: [] });

      const channel = await openChannel(t, broker.directUrl);
      const [received, ...others] = await drain(channel);
      assert.ok(received);
      assert.equal(others.length, 0);
      assert.deepEqual(JSON.parse(received.content.toString('utf8')), {
        user_id: 'user-41375541868',
        user_login: 'login_41375541868',
        game_id: '',
        title,
        started_at: '2026-11-24T09:30:00Z',
      });
      const { headers, ...properties } = received.properties;
      // The quorum queue's own.
      delete headers?.['x-delivery-count'];
      assert.deepEqual(Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)), {
        messageId: '41375541868',
        type: 'stream.online',
        timestamp: Date.UTC(2026, 10, 24, 9, 30, 21) / 1_000,
        appId: 'stream-poller',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        deliveryMode: 2,
      });
      assert.deepEqual(
        { ...headers },
        {
          'x-schema-version': 1,
          'x-stream-id': '41375541868',
          'x-reason': 'started',
          'x-detected-at': '2026-11-24T09:30:21.250Z',
          'x-poll-id': POLL_ID,
        },
      );
      assert.equal(received.fields.exchange, EXCHANGE);
      assert.equal(received.fields.routingKey, 'stream.online');
    });

    test('tells how full queues are, on its own connection, which lives on when one is missing', async (t) => {
      const { publisher } = await brokerAndPublisher(t, makeBroker);
      await publisher.publish(messages(2));
      await eventually(async () => {
        const depths = await publisher.queueDepths([QUEUE, DEAD_QUEUE, 'missing']);
        assert.deepEqual(depths, {
          [QUEUE]: { messages: 2, consumers: 0 },
          [DEAD_QUEUE]: { messages: 0, consumers: 0 },
          missing: null,
        });
      });
      assert.equal((await publisher.publish(messages(1, 'again'))).failed.length, 0);
    });

    test('labels of its targets travel as a header', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
      const labels = ['customer 7', 'Zoë’s 🎮'];
      await publisher.publish([toMessage(event('1'), POLL_ID, labels)]);
      const [received] = await drain(await openChannel(t, broker.directUrl));
      assert.deepEqual(received?.properties.headers?.['x-labels'], labels);
    });

    test('10,000 messages go through a window of 256, each confirmed and told once', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
      const all = messages(10_000);
      const told: string[] = [];
      const { confirmed, failed } = await publisher.publish(all, { onConfirmed: (some) => told.push(...some) });
      assert.deepEqual(failed, []);
      assert.deepEqual([...confirmed].sort(), ids(all).sort());
      assert.deepEqual(told, confirmed);
      const channel = await openChannel(t, broker.directUrl);
      await eventually(async () => assert.equal((await channel.checkQueue(QUEUE)).messageCount, 10_000));
    });

    test('two calls at once share the window, and an id in both is sent once', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker, { maxInFlight: 8 });
      const [first, second] = [messages(50, 'a'), messages(50, 'b')];
      const [shared] = messages(1, 'both');
      assert.ok(shared);
      const results = await Promise.all([
        publisher.publish([shared, shared, ...first]),
        publisher.publish([shared, ...second]),
      ]);
      for (const { confirmed, failed } of results) {
        assert.equal(confirmed.length, 51);
        assert.deepEqual(failed, []);
      }
      const received = await drainIds(t, broker.directUrl);
      assert.deepEqual(received.sort(), ids([shared, ...first, ...second]).sort());
    });

    test('messages that a full queue refuses are nacked, and only those', async (t) => {
      const broker = await makeBroker(t);
      const channel = await openChannel(t, broker.directUrl);
      const args = { 'x-queue-type': 'quorum', 'x-max-length': 3, 'x-overflow': 'reject-publish' };
      await channel.assertQueue(QUEUE, { arguments: args });
      const { publisher } = await readyPublisher(t, broker.url, { maxInFlight: 1 });
      const { confirmed, failed } = await publisher.publish(messages(12));
      assert.ok(failed.length > 0);
      assert.equal(confirmed.length + failed.length, 12);
      assert.ok(failed.every(({ reason }) => reason === 'nacked'));
      assert.deepEqual(messageIds(await drain(channel)), confirmed);
    });

    test('a message that is rejected, or requeued too often, lies in stream.online.dead', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
      await publisher.publish([...messages(1, 'rejected'), ...messages(1, 'requeued')]);
      const channel = await openChannel(t, broker.directUrl);
      let deliveries = 0;
      await channel.consume(QUEUE, (message) => {
        if (message?.properties.messageId === 'requeued0') {
          deliveries += 1;
          channel.reject(message, true);
        } else if (message) {
          channel.reject(message, false);
        }
      });
      const dead: ConsumeMessage[] = [];
      await eventually(async () => {
        dead.push(...(await drain(channel, DEAD_QUEUE)));
        assert.equal(dead.length, 2);
      });
      assert.deepEqual(messageIds(dead).sort(), ['rejected0', 'requeued0']);
      // The first delivery and five more.
      assert.equal(deliveries, 6);
      assert.deepEqual(
        dead.map(({ properties }) => `${properties.messageId}: ${properties.headers?.['x-first-death-reason']}`).sort(),
        ['rejected0: rejected', 'requeued0: delivery_limit'],
      );
      assert.equal((await channel.checkQueue(QUEUE)).messageCount, 0);
    });

    test('close waits for what is in flight and refuses what comes after', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker, { maxInFlight: 16 });
      const publishing = publisher.publish(messages(200));
      await publisher.close();
      const { confirmed, failed } = await publishing;
      assert.equal(confirmed.length + failed.length, 200);
      assert.ok(confirmed.length >= 16);
      assert.ok(failed.every(({ reason }) => reason === 'closed'));
      assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'closed');
      assert.deepEqual(publisher.status(), { state: 'closed' });
      assert.equal((await drainIds(t, broker.directUrl)).length, confirmed.length);
    });

    test('an aborted signal stops sending, and what was sent keeps its confirm', async (t) => {
      const { broker, publisher } = await brokerAndPublisher(t, makeBroker, { maxInFlight: 16 });
      const abort = new AbortController();
      const onConfirmed = () => abort.abort();
      const { confirmed, failed } = await publisher.publish(messages(500), { signal: abort.signal, onConfirmed });
      assert.equal(confirmed.length + failed.length, 500);
      assert.ok(confirmed.length > 0 && failed.length > 0);
      assert.ok(failed.every(({ reason }) => reason === 'unavailable'));
      assert.equal((await drainIds(t, broker.directUrl)).length, confirmed.length);
    });

    topologyTests(makeBroker);
  });
}
