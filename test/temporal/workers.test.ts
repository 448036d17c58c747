import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { pino } from 'pino';
import type { Activities } from '../../src/activities/index.ts';
import { startWorkers } from '../../src/temporal/workers.ts';

/** Stands for the SDK's worker: runs until it is shut down or made to end. */
class FakeWorker {
  readonly options: WorkerOptions;
  readonly #run = Promise.withResolvers<void>();
  #state = 'INITIALIZED';

  constructor(options: WorkerOptions) {
    this.options = options;
  }

  getState(): string {
    return this.#state;
  }

  run(): Promise<void> {
    this.#state = 'RUNNING';
    return this.#run.promise;
  }

  shutdown(): void {
    this.end();
  }

  end(error?: Error): void {
    this.#state = error ? 'FAILED' : 'STOPPED';
    if (error) this.#run.reject(error);
    else this.#run.resolve();
  }
}

async function start(t: TestContext) {
  const made: FakeWorker[] = [];
  t.mock.method(Worker, 'create', async (options: WorkerOptions) => {
    const worker = new FakeWorker(options);
    made.push(worker);
    return worker;
  });
  const activities = {
    fetchTargets() {},
    pollPage() {},
    checkUsers() {},
    diffStreams() {},
    publishStreams() {},
    deliverEvents() {},
  };
  const workers = await startWorkers({
    sinks: { polls: { began: { fn: () => undefined }, ended: { fn: () => undefined } } },
    connection: {} as NativeConnection,
    namespace: 'default',
    instance: 'stream-poller',
    activities: activities as unknown as Activities,
    requestsPerMinute: 780,
    logger: pino({ level: 'silent' }),
  });
  return { workers, made: made as [FakeWorker, FakeWorker, FakeWorker] };
}

test('only the rate-limited queue sends requests to Twitch, with the limit of all its workers', async (t) => {
  const { made } = await start(t);
  const [main, helix] = made.map((worker) => worker.options) as [WorkerOptions, WorkerOptions];
  assert.equal(main.taskQueue, 'stream-poller');
  assert.deepEqual(Object.keys(main.activities ?? {}), ['fetchTargets', 'diffStreams', 'publishStreams']);
  assert.equal(main.maxTaskQueueActivitiesPerSecond, undefined);
  assert.equal(helix.taskQueue, 'twitch-helix');
  assert.deepEqual(Object.keys(helix.activities ?? {}), ['pollPage', 'checkUsers']);
  assert.equal(helix.workflowsPath ?? helix.workflowBundle, undefined);
  assert.equal(helix.maxTaskQueueActivitiesPerSecond, 13);
  assert.equal(helix.activityTaskPollerBehavior?.type, 'simple-maximum');
});

test('deliveries have slots of their own, which they cannot fill with what waits for the broker', async (t) => {
  const { made } = await start(t);
  const { taskQueue, activities, workflowsPath, workflowBundle } = made[2].options;
  assert.equal(taskQueue, 'stream-poller-deliver');
  assert.deepEqual(Object.keys(activities ?? {}), ['deliverEvents']);
  assert.equal(workflowsPath ?? workflowBundle, undefined);
});

test('a worker that fails takes the others down, and its error is the one that is told', async (t) => {
  const { workers, made } = await start(t);
  assert.equal(workers.failed, false);
  made[1].end(new Error('lost its way'));
  await assert.rejects(workers.done, /lost its way/);
  assert.equal(workers.failed, true);
  assert.deepEqual(workers.states(), {
    'stream-poller': 'STOPPED',
    'twitch-helix': 'FAILED',
    'stream-poller-deliver': 'STOPPED',
  });
});

test('a worker that stops without being told to has failed', async (t) => {
  const { workers, made } = await start(t);
  made[0].end();
  await assert.rejects(workers.done, /the worker of queue stream-poller stopped by itself/);
  assert.equal(workers.failed, true);
});

test('workers that are told to stop have not failed', async (t) => {
  const { workers } = await start(t);
  workers.shutdown();
  await workers.done;
  assert.equal(workers.failed, false);
});
