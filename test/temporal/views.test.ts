import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, Connection, ServiceError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { applySchedule, deleteSchedule, pauseSchedule } from '../../src/temporal/schedule/actions.ts';
import { scheduleView } from '../../src/temporal/schedule/view.ts';
import { Instruments } from '../../src/worker/metrics/instruments.ts';
import { pollMetrics } from '../../src/worker/metrics/polls.ts';
import { PollEnds } from '../../src/worker/pollEnds.ts';
import { eventually, randomPrefix, temporal } from '../support/services.ts';
import { workflowBundle } from '../workflows/app.ts';

const { address, namespace } = await temporal();
const [connection, native] = await Promise.all([
  Connection.connect({ address }),
  NativeConnection.connect({ address }),
]);
const client = new Client({ connection, namespace });
/** As a worker has it. */
const workersClient = new Client({ connection: native, namespace });
after(() => Promise.all([connection.close(), native.close()]));

test('the schedule is seen as it is, at most every ten seconds, and remembered while it can’t be read', async () => {
  const instance = randomPrefix();
  let now = 0;
  let seen: Client | undefined;
  const read = scheduleView(
    () => seen,
    instance,
    () => now,
  );
  assert.equal(await read(), undefined, 'nothing is known without a connection');

  seen = workersClient;
  const absent = { exists: false, paused: false, note: '', intervalSeconds: undefined };
  assert.deepEqual(await read(), absent);
  await applySchedule(client, { instance, intervalSeconds: 300 });
  await pauseSchedule(client, 'moving house', instance);
  now += 9_999;
  assert.deepEqual(await read(), absent);
  now += 1;
  const paused = { exists: true, paused: true, note: 'moving house', intervalSeconds: 300 };
  assert.deepEqual(await read(), paused);

  const refusing = {
    schedule: client.schedule,
    withDeadline: async () => Promise.reject(new ServiceError('no right')),
  };
  seen = refusing as unknown as Client;
  now += 10_000;
  assert.deepEqual(await read(), paused);
  await deleteSchedule(client, instance);
  seen = workersClient;
  now += 10_000;
  assert.deepEqual(await read(), absent);
});

test('polls that fail, are cancelled, terminated or run out of time are counted, each once', async () => {
  const taskQueue = randomPrefix();
  const lines: string[] = [];
  const instruments = new Instruments();
  const ends = new PollEnds({
    temporal: () => workersClient,
    metrics: pollMetrics(instruments),
    logger: pino({}, { write: (line: string) => lines.push(line) }),
  });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowBundle: await workflowBundle(),
    sinks: ends.sinks,
    activities: {
      async fetchTargets({ poll }: { poll: { id: string } }) {
        if (poll.id.includes('-open-')) await new Promise((resolve) => setTimeout(resolve, 3_000));
        const opened = { intervalSeconds: 30, requestsPerMinute: 780, stateLost: false };
        return { parts: [], opened };
      },
    },
  });
  const running = worker.run();
  try {
    const start = (name: string, options: object = {}) =>
      client.workflow.start('pollStreams', { taskQueue, workflowId: `${taskQueue}-${name}`, ...options });
    const [, open, cancelled] = await Promise.all([
      start('bad-input', { args: [{ window: 0 }] }),
      start('open-terminated'),
      start('open-cancelled'),
      start('open-timed-out', { workflowExecutionTimeout: '1 second' }),
      start('good'),
    ]);
    await eventually(async () => {
      for (const handle of [open, cancelled]) assert.ok((await handle.describe()).historyLength > 4);
    });
    await Promise.all([open.terminate(), cancelled.cancel()]);
    const counted = async () => {
      const { values } = await ((await instruments.registry.getSingleMetric('stream_poller_polls_total')?.get()) ?? {
        values: [],
      });
      return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
    };
    const expected = { complete: 1, partial: 0, failed: 1, cancelled: 1, terminated: 1, timed_out: 1 };
    await eventually(async () => assert.deepEqual(await counted(), expected), { timeoutMs: 25_000 });
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    assert.deepEqual(await counted(), expected, 'the next look counts nothing again');
    const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => /without a report/.test(msg));
    assert.deepEqual(
      told.map(({ workflowId, msg }) => `${workflowId.slice(taskQueue.length + 1)}: ${msg.split(';')[0]}`).sort(),
      [
        'bad-input: a poll ended without a report: failed',
        'open-cancelled: a poll ended without a report: cancelled',
        'open-terminated: a poll ended without a report: terminated',
        'open-timed-out: a poll ended without a report: timed out',
      ],
    );
  } finally {
    ends.stop();
    worker.shutdown();
    await running;
  }
});
