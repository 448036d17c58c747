import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { EXCHANGE, QUEUE, topologyOf } from '../../src/publisher/topology.ts';
import { eventually } from '../support/services.ts';
import {
  brokerAndPublisher,
  drain,
  isReady,
  messageIds,
  messages,
  openChannel,
  readyPublisher,
  type SuiteBroker,
  startPublisher,
} from './support.ts';

/** Exchanges and queues that are missing, different, deleted, or somebody else's affair. */
export function topologyTests(makeBroker: (t: TestContext) => Promise<SuiteBroker>): void {
  test('queues are declared with their arguments, and declaring them again changes nothing', async (t) => {
    const broker = await makeBroker(t);
    for (let i = 0; i < 2; i++) {
      const { publisher } = await readyPublisher(t, broker.url);
      assert.equal(publisher.status().degraded, undefined);
    }
    const channel = await openChannel(t, broker.directUrl);
    // A declaration with other arguments is refused, so this shows what they are.
    for (const { name, arguments: args } of topologyOf().queues) await channel.assertQueue(name, { arguments: args });
  });

  test('an exchange that was deleted costs one attempt, then it is there again (404 closes only the channel)', async (t) => {
    const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
    const channel = await openChannel(t, broker.directUrl);
    await channel.deleteExchange(EXCHANGE);
    const { failed } = await publisher.publish(messages(1));
    assert.equal(failed[0]?.reason, 'closed');
    assert.match(failed[0].message, /no exchange 'twitch'/);
    assert.deepEqual((await publisher.publish(messages(3))).confirmed, ['s0', 's1', 's2']);
    assert.deepEqual(messageIds(await drain(channel)), ['s0', 's1', 's2']);
  });

  test('a message that no queue took has failed, although the broker confirms it; the queue is declared again', async (t) => {
    const { broker, publisher } = await brokerAndPublisher(t, makeBroker);
    const channel = await openChannel(t, broker.directUrl);
    await channel.deleteQueue(QUEUE);
    const { confirmed, failed } = await publisher.publish(messages(1));
    assert.deepEqual(confirmed, []);
    assert.equal(failed[0]?.reason, 'returned');
    assert.match(failed[0].message, /NO_ROUTE/);
    assert.deepEqual((await publisher.publish(messages(3))).confirmed, ['s0', 's1', 's2']);
    assert.deepEqual(messageIds(await drain(channel)), ['s0', 's1', 's2']);
  });

  test('check: what is missing is named until the operator creates it', async (t) => {
    const broker = await makeBroker(t);
    const { publisher } = startPublisher(t, broker.url, { topology: 'check' });
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

    const channel = await openChannel(t, broker.directUrl);
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

  test('off: nothing is declared, and a missing exchange is the operator’s affair', async (t) => {
    const { broker, publisher } = await brokerAndPublisher(t, makeBroker, { topology: 'off' });
    const { confirmed, failed } = await publisher.publish(messages(1_000));
    assert.deepEqual(confirmed, []);
    assert.equal(failed.length, 1_000);
    assert.ok(failed.every(({ reason }) => reason === 'misconfigured'));
    await eventually(() => assert.equal(publisher.status().state, 'misconfigured'));
    const channel = await openChannel(t, broker.directUrl);
    await channel.assertExchange(EXCHANGE, 'topic');
    await channel.assertQueue('mine', { durable: true });
    await channel.bindQueue('mine', EXCHANGE, 'stream.*');
    assert.deepEqual((await publisher.publish(messages(2))).confirmed, ['s0', 's1']);
  });

  test('a queue with other arguments (406) is used as it is, and told', async (t) => {
    const broker = await makeBroker(t);
    const channel = await openChannel(t, broker.directUrl);
    await channel.assertQueue(QUEUE, { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 7 } });
    const { publisher, log } = await readyPublisher(t, broker.url);
    assert.match(String(publisher.status().degraded), /inequivalent arg .* for queue 'stream.online'/);
    assert.ok(log.some((line) => line.includes('"wanted":{"x-queue-type"') && line.includes('inequivalent arg')));
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
    assert.deepEqual(messageIds(await drain(channel)), ['s0']);
  });
}
