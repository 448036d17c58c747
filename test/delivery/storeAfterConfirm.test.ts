import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultProxy } from '../../sandbox/faultProxy.ts';
import { eventually } from '../support/services.ts';
import { startApp, type TestApp } from '../workflows/app.ts';
import { storeUser } from './support.ts';

/** The store's answer to a diff that has claimed something. */
const CLAIMED = /\$(7\r\nstarted|11\r\nfirst_sight|12\r\nentered_game)\r\n/;
const BASIC_PUBLISH = Buffer.from([0, 60, 0, 40]);

/** The highest attempt that publishing has come to in the newest poll. */
async function publishAttempt(app: TestApp): Promise<number> {
  const { raw } = (await app.polls.at(-1)?.describe()) ?? {};
  const pending = raw?.pendingActivities?.filter(({ activityType }) => activityType?.name === 'publishStreams') ?? [];
  return Math.max(0, ...pending.map(({ attempt }) => Number(attempt)));
}

async function goLive(app: TestApp): Promise<string> {
  const { world } = app.sandbox;
  world.populate({ users: 3 });
  const [userId] = world.userIds(3) as [string];
  await app.store.targets.add('user', [userId], 0);
  return world.goLive({ userId }).id;
}

test('a store that refuses writes between confirm and mark, for longer than an interval, repeats nothing', async () => {
  const { url, mayWrite, admin } = await storeUser();
  const app = await startApp({ intervalSeconds: 1 }, { storeUrl: url });
  const id = await goLive(app);
  let published = 0;
  app.brokerProxy.observe((direction, chunk) => {
    if (direction === 'toClient' || !chunk.includes(BASIC_PUBLISH)) return undefined;
    published += 1;
    return published === 1 ? mayWrite(false).then(() => 'pass') : undefined;
  });
  const poll = await app.startPoll();
  await eventually(async () => assert.ok((await publishAttempt(app)) >= 4), { timeoutMs: 30_000 });
  assert.deepEqual(app.consumer.ids, [id]);
  await mayWrite(true);
  const report = await poll.result();
  assert.deepEqual([report.announced, report.handedOver], [1, 0]);
  await app.poll();
  assert.deepEqual([app.consumer.ids, published], [[id], 1]);
  assert.equal(await app.store.connection.get(app.store.keys.mark(id)), 'announced');
  await app.stop();
  admin.disconnect();
});

test('a script that fails by itself, many times, between claim and publish loses nothing', async () => {
  const { url, mayWrite, admin } = await storeUser();
  const { hostname: host, port } = new URL(url);
  const proxy = await startFaultProxy({ target: { host, port: Number(port) } });
  const app = await startApp({ intervalSeconds: 1 }, { storeUrl: proxy.url(url) });
  const id = await goLive(app);
  let claimed = false;
  proxy.observe((direction, chunk) => {
    if (claimed || direction === 'toServer' || !CLAIMED.test(chunk.toString('latin1'))) return undefined;
    claimed = true;
    return mayWrite(false).then(() => 'pass');
  });
  const poll = await app.startPoll();
  await eventually(async () => assert.ok((await publishAttempt(app)) >= 7), {
    timeoutMs: 60_000,
    message: 'more attempts than a script gets elsewhere',
  });
  await mayWrite(true);
  const report = await poll.result();
  assert.deepEqual([report.announced, report.handedOver, report.failedBatches], [1, 0, 0]);
  await eventually(() => assert.deepEqual(app.consumer.ids, [id]));
  await app.stop();
  await proxy.close();
  admin.disconnect();
});
