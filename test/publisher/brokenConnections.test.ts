import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../support/fakeBroker.ts';
import { eventually } from '../support/services.ts';
import {
  fakeAndPublisher,
  fakeBroker,
  isReady,
  messages,
  outcomes,
  readyPublisher,
  startPublisher,
} from './support.ts';

const OFF = { topology: 'off' } as const;
const IMPATIENT = { topology: 'off', connectTimeoutMs: 800 } as const;

describe('publisher: a broker that breaks or hangs connections', { concurrency: 8 }, () => {
  test('the socket dies while a new connection is set up: the process lives and connects again', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t);
    let first: Peer | undefined;
    broker.onMethod = (name, peer) => {
      if (name !== 'ConfirmSelect' || (peer.no !== 2 && peer.no !== 3)) return false;
      first = peer;
      peer.drop();
      return true;
    };
    broker.onMessage = (_message, peer) => {
      if (peer.no === 1) peer.drop();
      return peer.no === 1;
    };
    assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'closed');
    await isReady(publisher);
    assert.ok(first);
    assert.equal(broker.accepted, 4);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  test('the connection is closed in the same breath as the last answer of its set-up: it is not adopted', async (t) => {
    const broker = await fakeBroker(t);
    broker.onMethod = (name, peer, channel) => {
      if (name !== 'ConfirmSelect' || peer.no !== 1) return false;
      const close = { replyCode: 320, replyText: 'CONNECTION_FORCED', classId: 0, methodId: 0 };
      peer.send(channel, ['ConfirmSelectOk']);
      peer.send(0, ['ConnectionClose', close]);
      return true;
    };
    const { publisher } = startPublisher(t, broker.url, OFF);
    await isReady(publisher);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
    assert.equal(broker.accepted, 2);
  });

  test('a channel is closed in the same breath as it is opened: the process lives and gets another', async (t) => {
    const broker = await fakeBroker(t);
    broker.onMethod = (name, peer, channel) => {
      if (name !== 'ConfirmSelect' || peer.no !== 1) return false;
      const close = { replyCode: 541, replyText: 'INTERNAL_ERROR', classId: 0, methodId: 0 };
      peer.send(channel, ['ConfirmSelectOk'], ['ChannelClose', close]);
      return true;
    };
    const { publisher } = await readyPublisher(t, broker.url, OFF);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  test('a broker that accepts and never greets is left and tried again', async (t) => {
    const broker = await fakeBroker(t);
    broker.greets = false;
    const { publisher } = startPublisher(t, broker.url, IMPATIENT);
    await eventually(() => assert.ok(broker.accepted >= 2));
    assert.match(String(publisher.status().detail), /ETIMEDOUT/);
    broker.greets = true;
    await isReady(publisher);
  });

  test('a broker that stops answering during set-up, and does not answer the close either, is left', async (t) => {
    const broker = await fakeBroker(t);
    broker.onMethod = (name, peer) => peer.no === 1 && (name === 'ChannelOpen' || name === 'ConnectionClose');
    const { publisher } = startPublisher(t, broker.url, IMPATIENT);
    await isReady(publisher);
    assert.equal(broker.accepted, 2);
    assert.equal(broker.open, 1);
  });

  test('a channel that cannot be replaced takes its connection with it', async (t) => {
    const { broker, publisher } = await fakeAndPublisher(t, IMPATIENT);
    broker.onMessage = (_message, peer, channel) => {
      broker.onMessage = () => false;
      broker.onMethod = (name, { no }) => no === 1 && name === 'ChannelOpen';
      peer.send(channel, ['ChannelClose', { replyCode: 541, replyText: 'INTERNAL_ERROR', classId: 0, methodId: 0 }]);
      return true;
    };
    const { failed } = await publisher.publish(messages(1));
    assert.deepEqual(failed, [{ streamId: 's0', reason: 'closed', message: 'INTERNAL_ERROR' }]);
    await isReady(publisher);
    assert.equal(broker.accepted, 2);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  for (const [what, misbehave] of [
    ['does not answer', () => true],
    [
      'drops the socket instead of answering',
      (peer: Peer) => {
        peer.drop();
        return true;
      },
    ],
  ] as const) {
    test(`close settles when the broker ${what}, with messages unconfirmed`, async (t) => {
      const { broker, publisher } = await fakeAndPublisher(t, { confirmTimeoutMs: 10_000 });
      broker.onMethod = (name, peer) => name === 'ConnectionClose' && misbehave(peer);
      broker.onMessage = () => true;
      const publishing = publisher.publish(messages(2));
      await eventually(() => assert.equal(broker.published.length, 2));
      const started = performance.now();
      await publisher.close();
      assert.ok(performance.now() - started < 5_000);
      assert.deepEqual(outcomes((await publishing).failed), ['s0 closed', 's1 closed']);
      await eventually(() => assert.equal(broker.open, 0));
    });
  }

  test('close while a connection shakes hands, which then dies: the process lives', async (t) => {
    const broker = await fakeBroker(t);
    const { publisher } = startPublisher(t, broker.url, OFF);
    const closed = new Promise<void>((resolve) => {
      broker.onMethod = (name, peer) => {
        if (name === 'ConnectionClose') peer.drop();
        if (name !== 'ConnectionOpen') return name === 'ConnectionClose';
        resolve(publisher.close());
        setTimeout(() => peer.send(0, ['ConnectionOpenOk']), 20);
        return true;
      };
    });
    await closed;
    await sleep(200);
    assert.equal(broker.accepted, 1);
  });

  test('close settles during a set-up that does not end, and nothing connects after it', async (t) => {
    const broker = await fakeBroker(t);
    broker.onMethod = (name) => name === 'ChannelOpen' || name === 'ConnectionClose';
    const { publisher } = startPublisher(t, broker.url, { ...OFF, connectTimeoutMs: 10_000 });
    await eventually(() => assert.equal(broker.accepted, 1));
    await sleep(50);
    const started = performance.now();
    await publisher.close();
    assert.ok(performance.now() - started < 5_000);
    await eventually(() => assert.equal(broker.open, 0));
    await sleep(300);
    assert.equal(broker.accepted, 1);
  });
});
