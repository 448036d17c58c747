import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'amqplib';
import { createLogger } from '../../src/lib/log.ts';
import { TASK_QUEUE } from '../../src/poll/names.ts';
import { applyTopology, DEAD_QUEUE } from '../../src/publisher/topology.ts';
import { applySchedule, pauseSchedule } from '../../src/temporal/schedule/actions.ts';
import { eventually, freshVhost } from '../support/services.ts';
import { emptyRedis, freshNamespace, runClient, startWorkers } from './harness.ts';

test('status, trigger --wait and describe tell how polls go, from a bare system to a good one to a troubled one', async () => {
  const [{ url: DRAGONFLY_URL }, RABBITMQ_URL, { env: temporalEnv, client }] = await Promise.all([
    emptyRedis(8),
    freshVhost(),
    freshNamespace(),
  ]);
  const env = { ...temporalEnv, DRAGONFLY_URL, RABBITMQ_URL };

  const bare = await runClient(['status'], env);
  assert.equal(bare.code, 1, bare.stderr);
  for (const problem of [
    /^- no worker is running\n {2}start one: npm run worker$/m,
    /^- there is no schedule, so that nothing is polled\n {2}npm run client -- schedule apply$/m,
    /^- there are no targets to watch\n {2}npm run client -- targets add/m,
    /^- the queue stream\.online does not exist$/m,
    /^schedule {3}none$/m,
  ]) {
    assert.match(bare.stdout, problem);
  }

  const broker = await connect(RABBITMQ_URL);
  await applyTopology('declare', () => broker.createChannel(), createLogger('silent'));
  await runClient(['targets', 'add', 'user', '1', '2'], env);
  await startWorkers(temporalEnv);
  await applySchedule(client, { intervalSeconds: 86_400 });
  const polled = await runClient(['schedule', 'trigger', '--wait'], env);
  assert.equal(polled.code, 0, polled.stderr);
  assert.match(polled.stderr, /^Started poll-streams-\S+\.\n$/);
  assert.equal(polled.stdout, '1,234 targets in 13 batches, 14 requests in 1.2 s; 56 live, 3 announced, 1 ended\n');

  const good = await runClient(['status'], env);
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /^schedule {3}running, a poll every 1 d, next at/);
  assert.match(good.stdout, /^last poll {2}.*: 1,234 targets in 13 batches.* 3 announced/m);
  assert.match(good.stdout, /^workers {4}1 on stream-poller, 1 on twitch-helix$/m);
  assert.match(good.stdout, /^targets {4}2 users, 0 games$/m);
  assert.match(good.stdout, /^queue {6}stream\.online: 0 messages, 0 consumers$/m);
  assert.match(good.stdout, /\nAll is well\.\n$/);

  const described = await runClient(['schedule', 'describe'], env);
  assert.match(described.stdout, /^stream-poller: running, a poll every 1 d\nnext: \d\d:\d\d:\d\d/);
  assert.match(
    described.stdout,
    /^1 started, 0 skipped because one ran and one waited, 0 missed while Temporal was away$/m,
  );
  assert.match(described.stdout, /^ {2}\d\d:\d\d:\d\d {2}completed after .* {2}poll-streams-/m);
  assert.match(described.stdout, /^last report, .*:\n {2}1,234 targets/m);

  const delivery = await client.workflow.start('deliverStreams', { taskQueue: TASK_QUEUE, workflowId: 'deliver:1' });
  await pauseSchedule(client, 'Twitch maintenance');
  const channel = await broker.createConfirmChannel();
  channel.sendToQueue(DEAD_QUEUE, Buffer.from('{}'));
  await channel.waitForConfirms();
  const troubled = await eventually(async () => {
    const { code, json } = await runClient(['status', '--json'], env);
    assert.equal(json.deliveries, 1);
    return { code, json };
  });
  assert.equal(troubled.code, 1);
  assert.deepEqual(
    troubled.json.problems.map(({ problem }: { problem: string }) => problem.split(':')[0]),
    [
      'polling is paused (Twitch maintenance)',
      '1 delivery of events waits for RabbitMQ',
      '1 message in stream.online.dead',
    ],
  );
  assert.equal(troubled.json.healthy, false);
  await delivery.signal('brokerBack');
  await broker.close();
});

test('services that are away are problems beside each other, not the end of the report', async () => {
  const { url: DRAGONFLY_URL } = await emptyRedis(8);
  const away = { TEMPORAL_ADDRESS: '127.0.0.1:1', RABBITMQ_URL: 'amqp://guest:hidden@127.0.0.1:1', DRAGONFLY_URL };
  const { code, stdout } = await runClient(['status'], away);
  assert.equal(code, 1);
  assert.match(stdout, /^targets {4}0 users, 0 games$/m);
  assert.match(stdout, /^- no Temporal server answers at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\)/m);
  assert.match(stdout, /^- RabbitMQ does not answer at amqp:\/\/127\.0\.0\.1:1 \(RABBITMQ_URL\)/m);
  assert.doesNotMatch(stdout, /hidden/);
});
