import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import type { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { eventually, freshVhost } from '../support/services.ts';
import { publisherSuite } from './suite.ts';
import {
  drainIds,
  ids,
  isReady,
  messages,
  onCleanUp,
  outcomes,
  readyPublisher,
  type SuiteBroker,
  startPublisher,
} from './support.ts';

async function brokerBehindProxy(t: TestContext): Promise<SuiteBroker & { proxy: FaultProxy }> {
  const directUrl = await freshVhost();
  const { hostname: host, port } = new URL(directUrl);
  const proxy = await startFaultProxy({ target: { host, port: Number(port) } });
  onCleanUp(t, () => proxy.close());
  return { proxy, directUrl, url: proxy.url(directUrl) };
}

publisherSuite('RabbitMQ behind a proxy', brokerBehindProxy);

/** Publishes again what failed until all is confirmed, as the caller's retries do. */
async function publishAll(
  publisher: RabbitPublisher,
  all: ReturnType<typeof messages>,
  onConfirmed: (streamIds: string[]) => void = () => {},
): Promise<void> {
  let owed = all;
  await eventually(
    async () => {
      const { confirmed } = await publisher.publish(owed, { onConfirmed });
      const done = new Set(confirmed);
      owed = owed.filter(({ streamId }) => !done.has(streamId));
      assert.equal(owed.length, 0);
    },
    { timeoutMs: 20_000, message: 'all messages to be confirmed' },
  );
}

describe('publisher: network faults', { concurrency: 3 }, () => {
  test('connections are reset again and again with messages in flight: nothing is lost', async (t) => {
    const { url, directUrl, proxy } = await brokerBehindProxy(t);
    const { publisher } = await readyPublisher(t, url, { unavailableWaitMs: 5_000, maxInFlight: 32 });
    const all = messages(2_000);
    let confirmed = 0;
    let resets = 0;
    await publishAll(publisher, all, (some) => {
      confirmed += some.length;
      if (confirmed < (resets + 1) * 200) return;
      resets += 1;
      proxy.reset();
    });
    assert.ok(resets >= 9, `${resets} resets`);
    const received = await drainIds(t, directUrl);
    assert.deepEqual([...new Set(received)].sort(), ids(all).sort());
    // Only what was in flight at a reset may come twice.
    assert.ok(received.length <= 2_000 + resets * 32, `${received.length} received`);
  });

  test('a connection is cut in the middle of a frame, on its way in and on its way out', async (t) => {
    const { url, directUrl, proxy } = await brokerBehindProxy(t);
    const { publisher } = await readyPublisher(t, url);
    for (const direction of ['toServer', 'toClient'] as const) {
      proxy.cutAfter(direction === 'toServer' ? 5_001 : 101, direction);
      await publishAll(publisher, messages(200, direction));
    }
    const received = new Set(await drainIds(t, directUrl));
    assert.equal(received.size, 400);
  });

  test('no connection: given back after a short wait; ready again soon after the broker’s return', async (t) => {
    const { url, proxy } = await brokerBehindProxy(t);
    await proxy.refuse(true);
    const { publisher, log } = startPublisher(t, url, { unavailableWaitMs: 300 });
    const started = performance.now();
    const { failed } = await publisher.publish(messages(2));
    const waitedMs = performance.now() - started;
    assert.ok(waitedMs > 250 && waitedMs < 1_900, `${waitedMs} ms`);
    assert.deepEqual(outcomes(failed), ['s0 unavailable', 's1 unavailable']);
    assert.match(String(failed[0]?.message), /ECONNREFUSED/);
    assert.equal(publisher.status().state, 'connecting');
    // Without its limit the backoff would be at more than six seconds by then.
    await sleep(6_500);
    await proxy.refuse(false);
    await isReady(publisher, 3_500);
    // Once at the start and not at each attempt.
    assert.equal(log.filter((line) => line.includes('"level":40') && line.includes('ECONNREFUSED')).length, 1);
  });

  test('a message that comes while the connection is being made waits for it', async (t) => {
    const { url } = await brokerBehindProxy(t);
    const { publisher } = startPublisher(t, url);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  test('the network swallows everything: confirms time out, and another connection is made', async (t) => {
    const { url, proxy } = await brokerBehindProxy(t);
    const options = { confirmTimeoutMs: 500, connectTimeoutMs: 1_000, unavailableWaitMs: 300 };
    const { publisher } = await readyPublisher(t, url, options);
    proxy.blackHole(true);
    assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'timeout');
    assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'unavailable');
    proxy.blackHole(false);
    await isReady(publisher);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
    await eventually(() => assert.equal(proxy.connections(), 1));
  });

  test('the peer vanishes while nothing is sent: heartbeats notice', async (t) => {
    const { url, proxy } = await brokerBehindProxy(t);
    const { publisher } = await readyPublisher(t, url, { heartbeatSeconds: 1 });
    proxy.halfOpen();
    await eventually(() => assert.notEqual(publisher.status().state, 'ready'), { timeoutMs: 5_000 });
    assert.match(String(publisher.status().detail), /[Hh]eartbeat/);
    await isReady(publisher);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  test('over a slow line the window keeps messages flowing', async (t) => {
    const { url, proxy } = await brokerBehindProxy(t);
    const { publisher } = await readyPublisher(t, url);
    proxy.setLatency(20);
    const started = performance.now();
    const { failed } = await publisher.publish(messages(1_000));
    assert.deepEqual(failed, []);
    // One by one it would take 40 s.
    assert.ok(performance.now() - started < 5_000);
  });
});
