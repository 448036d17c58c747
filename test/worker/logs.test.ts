import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startTwitchSandbox } from '../../sandbox/twitch/index.ts';
import { connectClient, readTemporalSettings } from '../../src/temporal/connection.ts';
import { applySchedule, deleteSchedule } from '../../src/temporal/schedule/actions.ts';
import { eventually, freshVhost, randomPrefix, redis, temporal } from '../support/services.ts';
import { type LogLine, WorkerProcess } from './harness.ts';

const POLLS = 5;

const instance = randomPrefix();
const twitch = await startTwitchSandbox();
const { address } = await temporal();
const settings = {
  INSTANCE: instance,
  TEMPORAL_ADDRESS: address,
  DRAGONFLY_URL: (await redis()).url,
  RABBITMQ_URL: await freshVhost(),
  ...twitch.settings,
  TARGET_USER_IDS: '101,102',
  POLL_INTERVAL_SECONDS: '1',
};
const { client, connection } = await connectClient(readTemporalSettings({ TEMPORAL_ADDRESS: address }));
await applySchedule(client, { intervalSeconds: 1, instance });
const workers: WorkerProcess[] = [];
const start = (env: NodeJS.ProcessEnv) => {
  const worker = new WorkerProcess({ ...settings, ...env });
  workers.push(worker);
  return worker;
};
after(async () => {
  await Promise.all(workers.map((worker) => worker.end()));
  await deleteSchedule(client, instance);
  await Promise.all([connection.close(), twitch.close()]);
});

const polls = (lines: readonly LogLine[]) => lines.filter(({ msg }) => msg === 'poll ended');

test('while all is well each poll is one line and there is no other, also when streams go live and end', async () => {
  const worker = start({});
  await eventually(() => polls(worker.log).length >= 2, { timeoutMs: 30_000, message: 'two polls' });
  const from = worker.log.length;
  const stream = twitch.world.goLive({ userId: '101' });
  await eventually(() => polls(worker.log).some(({ announced }) => announced === 1), { message: 'an announcement' });
  twitch.world.end(stream.userId);
  await worker.probe('/readyz');
  await eventually(() => polls(worker.log.slice(from)).length >= POLLS, { message: `${POLLS} polls` });

  const lines = worker.log.slice(from);
  assert.deepEqual([...new Set(lines.map(({ level, msg }) => `${level} ${msg}`))], ['30 poll ended']);
  assert.equal(new Set(lines.map(({ pollId }) => pollId)).size, lines.length, 'one line a poll');
  for (const { level, time, msg } of worker.log) {
    assert.deepEqual([typeof level, typeof msg, new Date(String(time)).toISOString()], ['number', 'string', time]);
  }
  assert.equal(worker.stderr, '');
  await worker.end();
});

test('at debug an announcement is a line, with its stream and how long after its start it came', async () => {
  const worker = start({ LOG_LEVEL: 'debug' });
  await eventually(() => polls(worker.log).length >= 1, { timeoutMs: 30_000, message: 'a poll' });
  const stream = twitch.world.goLive({ userId: '102' });
  const announced = () => worker.log.filter(({ msg }) => msg === 'announced');
  await eventually(() => announced().length > 0, { timeoutMs: 30_000 });
  const [line, ...more] = announced();
  assert.deepEqual(
    [line?.level, line?.streamId, line?.userId, line?.userLogin, line?.reason, more.length],
    [20, stream.id, '102', stream.userLogin, 'started', 0],
  );
  const lagMs = Number(line?.lagMs);
  assert.ok(lagMs >= 0 && lagMs < 30_000, `${lagMs} ms`);
});
