import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { GetMessage } from 'amqplib';
import { toMessage } from '../../src/publisher/message.ts';
import { DEAD_QUEUE, EXCHANGE, QUEUE, TOPOLOGY } from '../../src/publisher/topology.ts';
import { eventually } from '../support/services.ts';
import {
  cleanUp,
  drain,
  event,
  ids,
  isReady,
  messageIds,
  messages,
  openChannel,
  POLL_ID,
  readyPublisher,
  startPublisher,
} from './support.ts';

/** An empty virtual host. */
export interface SuiteBroker {
  /** The way that the publisher goes. */
  url: string;
  /** The direct way, for the test itself. */
  directUrl: string;
}

/** What every broker must show, whichever way it is reached. */
export function publisherSuite(name: string, makeBroker: () => Promise<SuiteBroker>): void {
  describe(`publisher: ${name}`, () => {
    afterEach(cleanUp);

    test('a message has exactly the five fields, and the properties and headers of its event', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url);
      const title = 'Grüße 🎮 "quoted" \u0000 end';
      const message = toMessage(event('41375541868', { title, gameId: '' }), POLL_ID);
      assert.deepEqual(await publisher.publish([message]), { confirmed: ['41375541868'], failed: [] });

      const channel = await openChannel(broker.directUrl);
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

    test('queues are declared with their arguments, and declaring them again changes nothing', async () => {
      const broker = await makeBroker();
      for (let i = 0; i < 2; i++) {
        const { publisher } = await readyPublisher(broker.url);
        assert.equal(publisher.status().degraded, undefined);
      }
      const channel = await openChannel(broker.directUrl);
      // A declaration with other arguments is refused, so this shows what they are.
      for (const { name, arguments: args } of TOPOLOGY.queues) await channel.assertQueue(name, { arguments: args });
    });

    test('10,000 messages go through a window of 256, each confirmed and told once', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url);
      const all = messages(10_000);
      const told: string[] = [];
      const { confirmed, failed } = await publisher.publish(all, { onConfirmed: (some) => told.push(...some) });
      assert.deepEqual(failed, []);
      assert.deepEqual([...confirmed].sort(), ids(all).sort());
      assert.deepEqual(told, confirmed);
      const channel = await openChannel(broker.directUrl);
      await eventually(async () => assert.equal((await channel.checkQueue(QUEUE)).messageCount, 10_000));
    });

    test('two calls at once share the window, and an id in both is sent once', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url, { maxInFlight: 8 });
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
      const received = messageIds(await drain(await openChannel(broker.directUrl)));
      assert.deepEqual(received.sort(), ids([shared, ...first, ...second]).sort());
    });

    test('an exchange that was deleted costs one attempt, then it is there again (404 closes only the channel)', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url);
      const channel = await openChannel(broker.directUrl);
      await channel.deleteExchange(EXCHANGE);
      const { failed } = await publisher.publish(messages(1));
      assert.equal(failed[0]?.reason, 'closed');
      assert.match(failed[0].message, /no exchange 'twitch'/);
      assert.deepEqual((await publisher.publish(messages(3))).confirmed, ['s0', 's1', 's2']);
      assert.deepEqual(messageIds(await drain(channel)), ['s0', 's1', 's2']);
    });

    test('a message that no queue took has failed, although the broker confirms it; the queue is declared again', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url);
      const channel = await openChannel(broker.directUrl);
      await channel.deleteQueue(QUEUE);
      const { confirmed, failed } = await publisher.publish(messages(1));
      assert.deepEqual(confirmed, []);
      assert.equal(failed[0]?.reason, 'returned');
      assert.match(failed[0].message, /NO_ROUTE/);
      assert.deepEqual((await publisher.publish(messages(3))).confirmed, ['s0', 's1', 's2']);
      assert.deepEqual(messageIds(await drain(channel)), ['s0', 's1', 's2']);
    });

    test('check: what is missing is named until the operator creates it', async () => {
      const broker = await makeBroker();
      const { publisher } = startPublisher(broker.url, { topology: 'check' });
      const missing = await eventually(() => {
        const status = publisher.status();
        assert.equal(status.state, 'misconfigured');
        return status;
      });
      assert.match(String(missing.detail), /no exchange 'twitch'.*RABBITMQ_TOPOLOGY=declare/);
      const started = performance.now();
      const { failed } = await publisher.publish(messages(1));
      assert.equal(failed[0]?.reason, 'misconfigured');
      assert.ok(performance.now() - started < 3_000);

      const channel = await openChannel(broker.directUrl);
      await channel.assertExchange(EXCHANGE, 'topic');
      await channel.assertQueue(QUEUE, { arguments: { 'x-queue-type': 'quorum' } });
      await isReady(publisher);
      // The dead-letter side is missing, which does not keep messages from being published.
      assert.match(String(publisher.status().degraded), /no exchange 'twitch.dead'.*no queue 'stream.online.dead'/);

      const returned = await publisher.publish(messages(1));
      assert.equal(returned.failed[0]?.reason, 'returned');
      assert.equal(publisher.status().state, 'misconfigured');
      assert.match(String(publisher.status().detail), /bind a queue/);
      await channel.bindQueue(QUEUE, EXCHANGE, 'stream.online');
      assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
      assert.deepEqual(publisher.status().state, 'ready');
    });

    test('off: nothing is declared, and a missing exchange is the operator’s affair', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url, { topology: 'off' });
      const { confirmed, failed } = await publisher.publish(messages(1_000));
      assert.deepEqual(confirmed, []);
      assert.equal(failed.length, 1_000);
      assert.ok(failed.every(({ reason }) => reason === 'misconfigured'));
      await eventually(() => assert.equal(publisher.status().state, 'misconfigured'));
      const channel = await openChannel(broker.directUrl);
      await channel.assertExchange(EXCHANGE, 'topic');
      await channel.assertQueue('mine', { durable: true });
      await channel.bindQueue('mine', EXCHANGE, 'stream.*');
      assert.deepEqual((await publisher.publish(messages(2))).confirmed, ['s0', 's1']);
    });

    test('a queue with other arguments (406) is used as it is, and told', async () => {
      const broker = await makeBroker();
      const channel = await openChannel(broker.directUrl);
      await channel.assertQueue(QUEUE, { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 7 } });
      const { publisher, log } = await readyPublisher(broker.url);
      assert.match(String(publisher.status().degraded), /inequivalent arg .* for queue 'stream.online'/);
      assert.ok(log.some((line) => line.includes('"wanted":{"x-queue-type"') && line.includes('inequivalent arg')));
      assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
      assert.deepEqual(messageIds(await drain(channel)), ['s0']);
    });

    test('messages that a full queue refuses are nacked, and only those', async () => {
      const broker = await makeBroker();
      const channel = await openChannel(broker.directUrl);
      const args = { 'x-queue-type': 'quorum', 'x-max-length': 3, 'x-overflow': 'reject-publish' };
      await channel.assertQueue(QUEUE, { arguments: args });
      const { publisher } = await readyPublisher(broker.url, { maxInFlight: 1 });
      const { confirmed, failed } = await publisher.publish(messages(12));
      assert.ok(failed.length > 0);
      assert.equal(confirmed.length + failed.length, 12);
      assert.ok(failed.every(({ reason }) => reason === 'nacked'));
      assert.deepEqual(messageIds(await drain(channel)), confirmed);
    });

    test('a message that is rejected, or requeued too often, lies in stream.online.dead', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url);
      await publisher.publish([...messages(1, 'rejected'), ...messages(1, 'requeued')]);
      const channel = await openChannel(broker.directUrl);
      let deliveries = 0;
      await channel.consume(QUEUE, (message) => {
        if (message?.properties.messageId === 'requeued0') {
          deliveries += 1;
          channel.reject(message, true);
        } else if (message) {
          channel.reject(message, false);
        }
      });
      const dead: GetMessage[] = [];
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

    test('close waits for what is in flight and refuses what comes after', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url, { maxInFlight: 16 });
      const publishing = publisher.publish(messages(200));
      await publisher.close();
      const { confirmed, failed } = await publishing;
      assert.equal(confirmed.length + failed.length, 200);
      assert.ok(confirmed.length >= 16);
      assert.ok(failed.every(({ reason }) => reason === 'closed'));
      assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'closed');
      assert.deepEqual(publisher.status(), { state: 'closed' });
      assert.equal((await drain(await openChannel(broker.directUrl))).length, confirmed.length);
    });

    test('an aborted signal stops sending, and what was sent keeps its confirm', async () => {
      const broker = await makeBroker();
      const { publisher } = await readyPublisher(broker.url, { maxInFlight: 16 });
      const abort = new AbortController();
      const onConfirmed = () => abort.abort();
      const { confirmed, failed } = await publisher.publish(messages(500), { signal: abort.signal, onConfirmed });
      assert.equal(confirmed.length + failed.length, 500);
      assert.ok(confirmed.length > 0 && failed.length > 0);
      assert.ok(failed.every(({ reason }) => reason === 'unavailable'));
      assert.equal((await drain(await openChannel(broker.directUrl))).length, confirmed.length);
    });
  });
}
