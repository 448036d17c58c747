import { fileURLToPath } from 'node:url';
import { type InjectedSinks, type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Activities } from '../activities/index.ts';
import type { Logger } from '../lib/log.ts';
import {
  ACTIVITY_SLOTS,
  BEAT_PASSED_ON_MS,
  DELIVERY_SLOTS,
  REQUEST_SLOTS,
  STOP_CANCEL_MS,
  STOP_LEAVE_MS,
} from '../poll/limits.ts';
import { deliverTaskQueueOf, twitchTaskQueueOf } from '../poll/names.ts';
import type { PollSinks } from '../poll/report.ts';

export interface WorkersOptions {
  connection: NativeConnection;
  namespace: string;
  /** The installation's name: the queue of everything but requests to Twitch. */
  instance: string;
  activities: Activities;
  /** Over all workers of the queue together; every one of them must say the same, for the last that polls wins. */
  requestsPerMinute: number;
  /** A bundle made by `bundleWorkflowCode`; without one the workflows are bundled now, in a second or two. */
  workflowBundle?: string | undefined;
  /** Where polls tell that they have ended. */
  sinks: InjectedSinks<PollSinks>;
  logger: Logger;
}

/** What is running of a process's Temporal workers. */
export interface TemporalWorkers {
  /** State of each worker by its task queue. */
  states(): Record<string, string>;
  /** A worker has failed, or stopped without being told to. */
  readonly failed: boolean;
  /** Stops taking tasks; those in hand get until `shutdownGraceTime`, then are cancelled. Safe to call at any time. */
  shutdown(): void;
  /** Settles when all workers have stopped. Rejects with the first failure, after the others have been shut down too. */
  done: Promise<void>;
}

/**
 * Starts the three workers of a process: one for workflows and for what they do with the store and the broker, one for
 * requests to Twitch alone, so that the rate limit of its queue is the limit of the API, and one for deliveries, so that
 * hundreds of them leave the slots of the polls alone.
 */
export async function startWorkers(options: WorkersOptions): Promise<TemporalWorkers> {
  const { connection, namespace, instance, activities, requestsPerMinute, workflowBundle, sinks, logger } = options;
  const { pollPage, checkUsers, deliverEvents, ...others } = activities;
  const common = {
    connection,
    namespace,
    shutdownGraceTime: STOP_CANCEL_MS,
    shutdownForceTime: STOP_LEAVE_MS,
    maxHeartbeatThrottleInterval: BEAT_PASSED_ON_MS,
  } satisfies Partial<WorkerOptions>;

  const workers = [
    await Worker.create({
      ...common,
      taskQueue: instance,
      ...(workflowBundle
        ? { workflowBundle: { codePath: workflowBundle } }
        : { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) }),
      activities: others,
      sinks,
      // Few workflows run at a time; one that leaves the cache is replayed from its history.
      maxCachedWorkflows: 20,
      maxConcurrentWorkflowTaskExecutions: 10,
      maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
    }),
    await Worker.create({
      ...common,
      taskQueue: twitchTaskQueueOf(instance),
      activities: { pollPage, checkUsers },
      maxTaskQueueActivitiesPerSecond: requestsPerMinute / 60,
      maxConcurrentActivityTaskExecutions: REQUEST_SLOTS,
      // A number that adapts itself starved on a rate-limited queue with several partitions.
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 10 },
    }),
    await Worker.create({
      ...common,
      taskQueue: deliverTaskQueueOf(instance),
      activities: { deliverEvents },
      maxConcurrentActivityTaskExecutions: DELIVERY_SLOTS,
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
    }),
  ];

  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  let stopping = false;
  let failed = false;
  const runs = workers.map(async (worker) => {
    try {
      await worker.run();
      if (!stopping) throw new Error(`the worker of queue ${worker.options.taskQueue} stopped by itself`);
    } catch (error) {
      failed = true;
      logger.error({ err: error, taskQueue: worker.options.taskQueue }, 'a Temporal worker failed');
      throw error;
    } finally {
      stopping = true;
      shutdown();
    }
  });

  return {
    get failed() {
      return failed;
    },
    states: () => Object.fromEntries(workers.map((worker) => [worker.options.taskQueue, worker.getState()])),
    shutdown: () => {
      stopping = true;
      shutdown();
    },
    done: Promise.allSettled(runs).then((results) => {
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }),
  };
}
