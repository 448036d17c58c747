import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { connect } from 'amqplib';
import { pino } from 'pino';
import { freePort } from '../../sandbox/services/ports.ts';
import { type LocalRabbitmq, startRabbitmq } from '../../sandbox/services/rabbitmq.ts';
import { type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import { type LocalTemporal, startTemporal } from '../../sandbox/services/temporal.ts';
import { ALERTS } from '../../src/alerts/table.ts';
import { AlertWatch, type AlertWatchOptions } from '../../src/alerts/watch.ts';
import { Webhook } from '../../src/alerts/webhook.ts';
import { Secret, secretUrl } from '../../src/config/secret.ts';
import { cachedChecks } from '../../src/http/check.ts';
import { ALERTS as LIMITS } from '../../src/poll/limits.ts';
import { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { DEAD_QUEUE } from '../../src/publisher/topology.ts';
import { connectStore } from '../../src/storage/dragonfly.ts';
import { type Store, storeOn } from '../../src/storage/store.ts';
import { applySchedule, pauseSchedule, resumeSchedule } from '../../src/temporal/schedule/actions.ts';
import { lookAt } from '../../src/worker/alerts/look.ts';
import { storeCheck } from '../../src/worker/checks/services.ts';
import { observedBy } from '../../src/worker/observed.ts';
import { temporaryFolder } from '../support/program.ts';
import { eventually } from '../support/services.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/**
 * Workers' parts in telling of alerts, on services that this file stops and starts, with short times. What a worker polls with
 * is not here: what is wrong is what counts.
 */
const EVERY_MS = 150;
const LEASE_MS = 1_500;
/** The table with its times cut down: what it says is not changed. */
const alerts = ALERTS.map((alert) => ({ ...alert, forSeconds: Math.min(alert.forSeconds, 0.5) }));
const logger = pino({ level: 'silent' });

describe('alerts of workers', { timeout: 150_000 }, () => {
  const dir = temporaryFolder();
  let receiver: Receiver;
  let redis: LocalRedis;
  let rabbitmq: LocalRabbitmq;
  let temporal: LocalTemporal;
  let address: string;
  let client: Client;
  let publisher: RabbitPublisher;
  const undo: (() => unknown)[] = [];
  const watches: { watch: AlertWatch; store: Store }[] = [];
  const stores: Store[] = [];

  before(async () => {
    receiver = await startReceiver();
    const port = await freePort();
    [redis, rabbitmq, temporal] = await Promise.all([
      startRedis({ dir: join(dir, 'redis') }),
      startRabbitmq({ dir: join(dir, 'rabbitmq') }),
      startTemporal({ dir: join(dir, 'temporal'), port, headless: true, dbFile: join(dir, 'temporal.db') }),
    ]);
    address = temporal.address;
    const connection = await Connection.connect({ address });
    undo.push(() => connection.close());
    client = new Client({ connection });
    await applySchedule(client, { intervalSeconds: 3_600 });
    publisher = new RabbitPublisher({ url: secretUrl(rabbitmq.url), topology: 'declare', logger });
    publisher.start();
    undo.push(() => publisher.close());
    await eventually(() => assert.equal(publisher.status().state, 'ready'));
  });
  after(async () => {
    await Promise.all(watches.map(({ watch }) => watch.stop()));
    for (const store of stores) store.connection.disconnect();
    for (const step of undo.reverse()) await step();
    await Promise.all([redis?.stop(), rabbitmq?.stop(), temporal?.stop(), receiver?.close()]);
  });

  /** One worker's part, over connections as a worker has them. */
  function start(worker: string, options: Partial<AlertWatchOptions> = {}): { watch: AlertWatch; store: Store } {
    const store = storeOn(connectStore({ url: secretUrl(redis.url), logger, commandTimeoutMs: 500 }), '{alerts}:');
    stores.push(store);
    const observed = observedBy({
      instance: 'stream-poller',
      namespace: 'default',
      prefix: '',
      store,
      storeUrl: redis.url,
      publisher,
      temporal: () => client,
    });
    const temporalAnswers = async () => {
      await client.withDeadline(Date.now() + 500, () => client.workflowService.getSystemInfo({}));
      return { ok: true, detail: address };
    };
    const checks = { temporal: temporalAnswers, dragonfly: storeCheck(store.connection, secretUrl(redis.url)) };
    const watch = new AlertWatch({
      instance: 'stream-poller',
      worker,
      ledger: store.alerts,
      look: lookAt({
        store,
        twitch: { tokenStatus: () => ({ state: 'ok' }), paceMs: 0 },
        publisher,
        returned: { count: 0 },
        checks: cachedChecks(checks, { timeoutMs: 700, maxAgeMs: 0 }),
        observed,
        settings: { intervalSeconds: 3_600 },
      }),
      webhook: new Webhook({ url: new Secret(receiver.url), format: 'json' }),
      logger,
      alerts,
      everyMs: EVERY_MS,
      leaseMs: LEASE_MS,
      holdDownMs: 700,
      // A worker is not lost while it waits for what is away: two looks.
      silentMs: 2 * LIMITS.lookMs + 1_000,
      retry: { firstMs: 100, mostMs: 300 },
      ...options,
    });
    watch.start();
    const started = { watch, store };
    watches.push(started);
    return started;
  }

  /** One message that it fires, one that it is over, and then no more for a while. */
  async function once(alert: string, cause: () => Promise<unknown>, end: () => Promise<unknown>): Promise<void> {
    const before = receiver.of(alert).length;
    await cause();
    await eventually(() => assert.deepEqual(receiver.of(alert).slice(before), ['firing']), { timeoutMs: 20_000 });
    await sleep(4 * EVERY_MS);
    await end();
    await eventually(() => assert.deepEqual(receiver.of(alert).slice(before), ['firing', 'resolved']), {
      timeoutMs: 20_000,
    });
    await sleep(4 * EVERY_MS);
    assert.deepEqual(receiver.of(alert).slice(before), ['firing', 'resolved']);
  }

  const killed = async (worker: { watch: AlertWatch; store: Store }) => {
    await worker.watch.stop({ inOrder: false });
    worker.store.connection.disconnect();
  };

  it('are told once each, with two workers, for each service that goes away, and when it is back', async () => {
    start('one');
    start('two');
    await eventually(async () => assert.ok((await watches[0]?.store.alerts.read())?.holder), { timeoutMs: 5_000 });
    await once(
      'BrokerUnavailable',
      () => rabbitmq.stopApp(),
      () => rabbitmq.startApp(),
    );
    await once(
      'StoreUnavailable',
      () => redis.stop(),
      () => redis.start(),
    );
    await once(
      'TemporalUnavailable',
      () => temporal.kill(),
      () => temporal.start(),
    );
    const prints = receiver.received.filter(({ alert }) => alert === 'StoreUnavailable').map((one) => one.fingerprint);
    assert.equal(new Set(prints).size, 1, 'the message of its end has the same fingerprint');
  });

  it('tell of a pause with its note, and that it is over', async () => {
    await once(
      'SchedulePaused',
      () => pauseSchedule(client, 'maintenance <@everyone>'),
      () => resumeSchedule(client, 'done'),
    );
    const { annotations } = receiver.received.find(({ alert }) => alert === 'SchedulePaused')?.body.alerts[0] ?? {};
    assert.equal(annotations.description, 'maintenance <@everyone>');
  });

  it('tell of a message in the dead-letter queue', async () => {
    const broker = await connect(rabbitmq.url);
    const channel = await broker.createConfirmChannel();
    await once(
      'DeadLetters',
      async () => {
        channel.sendToQueue(DEAD_QUEUE, Buffer.from('{}'));
        await channel.waitForConfirms();
      },
      () => channel.purgeQueue(DEAD_QUEUE),
    );
    await broker.close();
  });

  it('of a worker that was killed are told by the other, until one takes its place', async () => {
    const [first, second] = watches.splice(0);
    assert.ok(first && second);
    const holder = (await first.store.alerts.read()).holder;
    const [victim, survivor] = holder === 'one' ? [first, second] : [second, first];
    watches.push(survivor);
    await once(
      'WorkerDown',
      () => killed(victim),
      async () => start('three'),
    );
    assert.notEqual((await survivor.store.alerts.read()).holder, holder, 'the lease went to another');
  });

  it('go on with the next worker: what fires is not repeated, and its end is not forgotten', async () => {
    const before = receiver.of('SchedulePaused').length;
    await pauseSchedule(client, 'while the workers change');
    await eventually(() => assert.equal(receiver.of('SchedulePaused').length, before + 1));
    // In order: nobody misses them.
    for (const { watch } of watches.splice(0)) await watch.stop();
    start('four');
    await eventually(async () => assert.equal((await watches[0]?.store.alerts.read())?.holder, 'four'));
    await sleep(4 * EVERY_MS);
    await resumeSchedule(client, 'done');
    await eventually(() => assert.deepEqual(receiver.of('SchedulePaused').slice(before), ['firing', 'resolved']));
    assert.equal(receiver.of('WorkerDown').length, 2, 'who says goodbye is not missed');
  });

  it('survive a webhook that is away, slow down for one that says so, and are told then', async () => {
    receiver.answers.splice(
      0,
      1,
      { status: 503, body: 'no' },
      { status: 429, headers: { 'retry-after': '1' } },
      { status: 200 },
    );
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    for (const { watch } of watches.splice(0)) await watch.stop();
    start('five', { logger: log });
    await once(
      'SchedulePaused',
      () => pauseSchedule(client, 'while the webhook is away'),
      () => resumeSchedule(client, 'done'),
    );
    assert.equal(lines.filter((line) => /did not reach the webhook/.test(line)).length, 1);
    assert.equal(lines.filter((line) => /reach the webhook again/.test(line)).length, 1);
    assert.doesNotMatch(lines.join(''), /very-secret-path/);
  });

  it('say nothing of what comes and goes within the hold-down', async () => {
    const before = receiver.of('SchedulePaused').length;
    await pauseSchedule(client, 'flapping');
    await eventually(() => assert.equal(receiver.of('SchedulePaused').length, before + 1));
    for (let i = 0; i < 3; i += 1) {
      await resumeSchedule(client, 'flapping');
      await sleep(300);
      await pauseSchedule(client, 'flapping');
      await sleep(300);
    }
    assert.equal(receiver.of('SchedulePaused').length, before + 1);
    await resumeSchedule(client, 'done');
    await eventually(() => assert.deepEqual(receiver.of('SchedulePaused').slice(before), ['firing', 'resolved']));
  });
});
