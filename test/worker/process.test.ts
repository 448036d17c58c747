import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import amqplib from 'amqplib';
import { Redis } from 'ioredis';
import { freePort } from '../../sandbox/services/ports.ts';
import { type LocalRabbitmq, startRabbitmq } from '../../sandbox/services/rabbitmq.ts';
import { type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import { type LocalTemporal, startTemporal } from '../../sandbox/services/temporal.ts';
import { startTwitchSandbox } from '../../sandbox/twitch/index.ts';
import { connectClient, readTemporalSettings } from '../../src/temporal/connection.ts';
import { applySchedule } from '../../src/temporal/schedule/actions.ts';
import { temporaryFolder } from '../support/program.ts';
import { eventually } from '../support/services.ts';
import { WorkerProcess } from './harness.ts';

/**
 * The life of one worker process, in order: each test goes on where the one before ended. The services are this file's
 * own, for it stops them.
 */
const dir = temporaryFolder();
const bundle = join(dir, 'workflows.js');
const twitch = await startTwitchSandbox();
const [temporalPort, redisPort, rabbitmqPort] = [await freePort(), await freePort(), await freePort()];
const address = `127.0.0.1:${temporalPort}`;
const settings = {
  TEMPORAL_ADDRESS: address,
  DRAGONFLY_URL: `redis://127.0.0.1:${redisPort}`,
  RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${rabbitmqPort}`,
  TWITCH_API_URL: twitch.apiUrl,
  TWITCH_AUTH_URL: twitch.authUrl,
  TWITCH_CLIENT_ID: twitch.clientId,
  TWITCH_CLIENT_SECRET: twitch.clientSecret,
  TARGET_USER_IDS: '101,102',
  POLL_INTERVAL_SECONDS: '1',
  ADMIN_TOKEN: 'sixteen-letters-token',
};
const worker = new WorkerProcess(settings);
let temporal: LocalTemporal | undefined;
let redis: LocalRedis | undefined;
let rabbitmq: LocalRabbitmq | undefined;

after(async () => {
  await worker.end();
  await Promise.all([temporal?.stop(), redis?.stop(), rabbitmq?.stop(), twitch.close()]);
});

test('without any service it is alive, says what it waits for, and does not repeat itself', async () => {
  const { text } = await worker.notReady(/TEMPORAL_ADDRESS/);
  for (const name of ['DRAGONFLY_URL', 'RABBITMQ_URL']) assert.match(text, new RegExp(name));
  const { status, body } = await worker.probe('/healthz');
  assert.deepEqual([status, body.status, body.state], [200, 'ok', 'starting']);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const what of [/TEMPORAL_ADDRESS/, /DRAGONFLY_URL/, /RabbitMQ/]) {
    const lines = worker.log.filter((line) => what.test(line.msg));
    assert.ok(lines.length >= 1 && lines.length <= 2, `${lines.length} lines about ${what}`);
  }
});

test('once the services are there it works, and says that nobody has scheduled polls', async () => {
  [temporal, redis, rabbitmq] = await Promise.all([
    startTemporal({ dir: join(dir, 'temporal'), port: temporalPort, headless: true, dbFile: join(dir, 'temporal.db') }),
    startRedis({ dir: join(dir, 'redis'), port: redisPort }),
    startRabbitmq({ dir: join(dir, 'rabbitmq'), port: rabbitmqPort }),
  ]);
  await eventually(
    async () => {
      const checks = (await worker.probe('/readyz')).body.checks as Record<string, { ok: boolean }>;
      return Object.entries(checks).every(([name, { ok }]) => ok === (name !== 'polls'));
    },
    { timeoutMs: 20_000, message: 'all but the polls is ready' },
  );
  await worker.notReady(/no poll yet: run npm run client -- schedule apply/);
});

test('a wrong Twitch secret shows in /readyz before anything is polled, and is no reason for a restart', async (t) => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  writeFileSync(bundle, code);
  const other = new WorkerProcess({ ...settings, TWITCH_CLIENT_SECRET: 'not-the-secret', WORKFLOW_BUNDLE: bundle });
  t.after(() => other.end());
  const { text } = await other.notReady(/TWITCH_CLIENT_SECRET/);
  assert.doesNotMatch(text, /not-the-secret/);
  await eventually(async () => assert.equal((await other.probe('/healthz')).body.state, 'running'));
  assert.equal((await other.probe('/healthz')).status, 200);
  other.child.kill('SIGTERM');
  assert.equal(await other.exited, 0);
  assert.doesNotMatch(other.output, /not-the-secret/);
});

test('with the schedule it becomes ready, and a stream that goes live is announced', async () => {
  const { client, connection } = await connectClient(readTemporalSettings({ TEMPORAL_ADDRESS: address }));
  assert.equal(await applySchedule(client, { intervalSeconds: 1 }), 'created');
  await connection.close();
  await worker.ready();
  const labelled = await worker.probe('/api/v1/targets/user/101', {
    method: 'PUT',
    headers: { authorization: `Bearer ${settings.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: '{"labels":["customer 7"]}',
  });
  assert.deepEqual([labelled.status, labelled.body], [200, { added: false }]);
  // The first poll has added the target, and Twitch tells whole seconds: in the same one it would be on already.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const stream = twitch.world.goLive({ userId: '101' });

  const broker = await amqplib.connect(settings.RABBITMQ_URL);
  const channel = await broker.createChannel();
  const message = await eventually(() => channel.get('stream.online', { noAck: true }), { message: 'a message' });
  assert.ok(message);
  assert.equal(message.properties.messageId, stream.id);
  assert.deepEqual(message.properties.headers?.['x-labels'], ['customer 7']);
  await broker.close();
});

test('what became of it, who is live and how polls went is told by HTTP', async () => {
  const told = async (path: string, name: string) =>
    (await worker.probe(`/api/v1/${path}`)).body[name] as Record<string, unknown>[];
  await eventually(async () => {
    const [newest] = await told('announcements', 'announcements');
    assert.deepEqual([newest?.userId, newest?.reason, newest?.state], ['101', 'started', 'announced']);
  });
  assert.deepEqual(
    (await told('streams', 'streams')).map(({ userId }) => userId),
    ['101'],
  );
  await eventually(async () => assert.ok((await told('polls', 'polls')).some(({ announced }) => announced === 1)));
  assert.deepEqual((await worker.probe('/api/v1/schedule')).body.intervalSeconds, 1);
});

test('each service that goes away is named in seconds, and the worker recovers when it is back', async () => {
  await redis?.stop();
  await worker.notReady(/"dragonfly":\{"ok":false,"detail":"[^"]*DRAGONFLY_URL/);
  await redis?.start();
  await worker.ready();

  await rabbitmq?.stopApp();
  await worker.notReady(/"rabbitmq":\{"ok":false,"detail":"[^"]*RABBITMQ_URL/);
  await rabbitmq?.startApp();
  await worker.ready();

  await temporal?.kill();
  await worker.notReady(/"temporal":\{"ok":false/);
  assert.equal((await worker.probe('/healthz')).status, 200);
  await temporal?.start();
  await worker.ready();
  assert.equal((await worker.probe('/healthz')).body.state, 'running');
});

test('SIGTERM lets a request in flight finish, then leaves nothing open and exits with 0', async () => {
  assert.ok(redis && rabbitmq);
  const fault = twitch.faults.add({ kind: 'slowHeaders', delayMs: 2_000, times: 1, match: { endpoint: 'streams' } });
  await eventually(() => fault.hits > 0, { message: 'a slow request is in flight' });
  const since = performance.now();
  worker.child.kill('SIGTERM');
  assert.match((await worker.notReady(/stopping/, 1_500)).text, /"process":\{"ok":false,"detail":"stopping"\}/);
  const { status, body } = await worker.probe('/healthz');
  assert.deepEqual([status, body.state], [200, 'stopping']);

  assert.equal(await worker.exited, 0);
  const tookMs = performance.now() - since;
  assert.ok(tookMs > 1_000, `the request in flight was waited for (${tookMs} ms)`);
  assert.ok(tookMs < 15_000, `${tookMs} ms`);
  assert.deepEqual(
    worker.log.filter((line) => /not closed in order|ending/.test(line.msg)),
    [],
  );
  const store = new Redis(redis.url);
  const clients = String(await store.client('LIST'))
    .trim()
    .split('\n');
  store.disconnect();
  assert.equal(clients.length, 1, 'only this test is connected to the store');
  await eventually(async () =>
    assert.doesNotMatch(await (rabbitmq as LocalRabbitmq).ctl('list_connections', '-q'), /guest/),
  );
});

test('a second signal ends it at once, and polls go on in the next process', async (t) => {
  const other = new WorkerProcess({ ...settings, WORKFLOW_BUNDLE: bundle });
  t.after(() => other.end());
  await other.ready();
  const fault = twitch.faults.add({ kind: 'slowHeaders', delayMs: 5_000, times: 1, match: { endpoint: 'streams' } });
  await eventually(() => fault.hits > 0, { message: 'a slow request is in flight' });
  const since = performance.now();
  other.child.kill('SIGTERM');
  await other.notReady(/stopping/, 1_500);
  other.child.kill('SIGTERM');
  assert.equal(await other.exited, 143);
  assert.ok(performance.now() - since < 3_000);
});

test('nothing that the process wrote or showed holds a secret', () => {
  assert.doesNotMatch(worker.output, new RegExp(`${twitch.clientSecret}|guest:guest`));
});
