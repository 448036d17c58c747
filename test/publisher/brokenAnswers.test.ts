import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type OutgoingMessage, toMessage } from '../../src/publisher/message.ts';
import type { Peer, Published } from '../support/fakeBroker.ts';
import { eventually } from '../support/services.ts';
import { event, fakeAndPublisher, ids, isReady, messages, outcomes, POLL_ID } from './support.ts';

describe('publisher: a broker that answers late, wrongly or never', { concurrency: 8 }, () => {
  test('a message that cannot be encoded fails alone', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t);
    broker.onMessage = ({ deliveryTag }, peer, channel) => {
      setTimeout(() => peer.ack(channel, deliveryTag), 50);
      return true;
    };
    const [before, after] = messages(2) as [OutgoingMessage, OutgoingMessage];
    const spoilt = toMessage(event('spoilt', { detectedAt: 'yesterday' }), POLL_ID);
    const { confirmed, failed } = await publisher.publish([before, spoilt, after]);
    assert.deepEqual(confirmed, ['s0', 's1']);
    assert.deepEqual(outcomes(failed), ['spoilt nacked']);
    assert.match(String(failed[0]?.message), /cannot be sent/);
  });

  test('a message that is never confirmed times out, and the next one goes by another channel', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 400 });
    broker.onMessage = () => true;
    const started = performance.now();
    const { confirmed, failed } = await publisher.publish(messages(3));
    assert.deepEqual(confirmed, []);
    // What was sent a moment later loses its channel with the first that times out.
    const [first, ...others] = failed.map(({ reason }) => reason);
    assert.equal(first, 'timeout');
    assert.ok(others.length === 2 && others.every((reason) => reason === 'timeout' || reason === 'closed'));
    assert.ok(performance.now() - started < 4_000);
    await isReady(publisher);
    assert.match(String(publisher.status().detail), /did not confirm/);
    broker.onMessage = () => false;
    assert.deepEqual((await publisher.publish(messages(3))).confirmed, ['s0', 's1', 's2']);
    assert.deepEqual(publisher.status(), { state: 'ready' });
    assert.equal(broker.accepted, 1);
  });

  test('an answer that comes after the timeout is not taken for another message’s', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 400 });
    const held: [Published, Peer, number][] = [];
    let closing: (() => void) | undefined;
    broker.onMessage = (...message) => held.push(message) > 0;
    broker.onMethod = (name, peer, channel) => {
      if (name !== 'ChannelClose') return false;
      closing = () => peer.send(channel, ['ChannelCloseOk']);
      return true;
    };
    assert.equal((await publisher.publish(messages(1, 'late'))).failed[0]?.reason, 'timeout');
    const second = publisher.publish(messages(1, 'next'));
    await eventually(() => assert.equal(held.length, 2));
    const [[, peer, channel] = assert.fail(), [message, nextPeer, nextChannel] = assert.fail()] = held;
    peer.ack(channel, 1);
    closing?.();
    nextPeer.nack(nextChannel, message.deliveryTag);
    assert.equal((await second).failed[0]?.reason, 'nacked');
  });

  test('answers in any order, one by one or together, reach their messages; nacked ones have failed', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t);
    broker.onMessage = ({ deliveryTag }, peer, channel) => {
      if (deliveryTag === 6) {
        peer.ack(channel, 3, 5);
        peer.nack(channel, 2, true);
        peer.send(channel, ['BasicAck', { deliveryTag: 6, multiple: true }]);
      }
      return true;
    };
    const { confirmed, failed } = await publisher.publish(messages(6));
    assert.deepEqual([...confirmed].sort(), ['s2', 's3', 's4', 's5']);
    assert.deepEqual(outcomes(failed), ['s0 nacked', 's1 nacked']);
  });

  test('a message that is returned and then confirmed has failed; the others around it have not', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t);
    broker.onMessage = (message, peer, channel) => {
      if (message.messageId === 's1') peer.returnMessage(channel, message);
      return false;
    };
    const { confirmed, failed } = await publisher.publish(messages(3));
    assert.deepEqual(confirmed, ['s0', 's2']);
    assert.deepEqual(failed, [
      { streamId: 's1', reason: 'returned', message: 'no queue took the message (312 NO_ROUTE)' },
    ]);
  });

  test('never more than the window is unanswered', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { maxInFlight: 32 });
    let held: number[] = [];
    broker.onMessage = ({ deliveryTag }, peer, channel) => {
      held.push(deliveryTag);
      if (held.length === 32 || deliveryTag === 2_000) {
        const tags = held;
        held = [];
        setTimeout(() => peer.ack(channel, ...tags), 1);
      }
      return true;
    };
    const results = await Promise.all([
      publisher.publish(messages(1_000, 'a')),
      publisher.publish(messages(1_000, 'b')),
    ]);
    assert.deepEqual(
      results.map(({ confirmed }) => confirmed.length),
      [1_000, 1_000],
    );
    assert.equal(broker.mostUnanswered, 32);
  });

  test('blocked: no confirm timeout, a bounded wait, and what is confirmed late is not sent again', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 200, blockedWaitMs: 600 });
    let release = () => {};
    broker.onMessage = ({ deliveryTag }, peer, channel) => {
      peer.send(0, ['ConnectionBlocked', { reason: 'low on memory' }]);
      release = () => {
        peer.send(0, ['ConnectionUnblocked']);
        peer.ack(channel, deliveryTag);
      };
      return true;
    };
    const started = performance.now();
    const { failed } = await publisher.publish(messages(1));
    const waitedMs = performance.now() - started;
    assert.equal(failed[0]?.reason, 'blocked');
    assert.match(failed[0].message, /low on memory/);
    assert.ok(waitedMs > 500 && waitedMs < 4_000, `${waitedMs} ms`);
    assert.equal(publisher.status().state, 'blocked');
    // A call that comes during the alarm is given back as well, and nothing is sent.
    assert.equal((await publisher.publish(messages(2))).failed[1]?.reason, 'blocked');
    assert.equal(broker.published.length, 1);

    release();
    await isReady(publisher);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
    assert.equal(broker.published.length, 1);
  });

  test('blocked for a shorter time: the messages wait and are confirmed', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 200 });
    broker.onMessage = ({ deliveryTag }, peer, channel) => {
      if (deliveryTag > 1) return false;
      peer.send(0, ['ConnectionBlocked', { reason: 'low on memory' }]);
      setTimeout(() => {
        peer.send(0, ['ConnectionUnblocked']);
        peer.ack(channel, deliveryTag);
      }, 500);
      return true;
    };
    const { confirmed, failed } = await publisher.publish(messages(5));
    assert.deepEqual(failed, []);
    assert.deepEqual([...confirmed].sort(), ids(messages(5)));
  });

  test('a broker that forgets a message during an alarm: its time to answer starts anew afterwards', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 200 });
    broker.onMessage = (_message, peer) => {
      peer.send(0, ['ConnectionBlocked', { reason: 'low on memory' }]);
      setTimeout(() => peer.send(0, ['ConnectionUnblocked']), 500);
      return true;
    };
    const started = performance.now();
    assert.deepEqual(outcomes((await publisher.publish(messages(1))).failed), ['s0 timeout']);
    assert.ok(performance.now() - started > 650);
  });

  test('an aborted signal does not wait for a broker that does not answer', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 10_000, maxInFlight: 1 });
    broker.onMessage = () => true;
    const abort = new AbortController();
    const publishing = publisher.publish(messages(2), { signal: abort.signal });
    await eventually(() => assert.equal(broker.published.length, 1));
    const started = performance.now();
    abort.abort();
    const { failed } = await publishing;
    assert.ok(performance.now() - started < 4_000);
    assert.deepEqual(outcomes(failed), ['s1 unavailable', 's0 closed']);
  });

  test('what onConfirmed throws is logged, and the messages are confirmed', async (t) => {
    const { publisher, log } = await fakeAndPublisher(t);
    const onConfirmed = () => {
      throw new Error('the store is away');
    };
    const { confirmed } = await publisher.publish(messages(3), { onConfirmed });
    assert.equal(confirmed.length, 3);
    assert.ok(log.some((line) => line.includes('the store is away')));
  });
});
