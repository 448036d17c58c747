import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { DELIVER_WORKFLOW_TYPE, twitchTaskQueueOf } from '../poll/names.ts';
import type { QueueDepth } from '../publisher/queues.ts';
import { brokerNames } from '../publisher/topology.ts';
import { compareLists, type ListsDiffer } from '../storage/settingsTargets.ts';
import type { Store } from '../storage/store.ts';
import type { Targets } from '../storage/targets.ts';
import { readScheduleState, type ScheduleState } from '../temporal/schedule/state.ts';

/** Ways to the services, for the client (which connects for each) and for the worker (which is connected). */
export interface Services {
  /** The installation's name. */
  instance: string;
  /** `RABBITMQ_PREFIX` */
  prefix: string;
  withTemporal: <T>(work: (client: Client, namespace: string) => Promise<T>) => Promise<T>;
  withStore: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** `null` for a queue that does not exist. */
  queueDepths: (queues: readonly string[]) => Promise<Record<string, QueueDepth | null>>;
  /** What to say of a service that did not answer. */
  describe: (error: unknown) => string;
}

/** Processes that ask for work on a task queue. */
export interface QueueWorkers {
  taskQueue: string;
  workers: number;
}

/** What the commands can find out about the running system; what could not be read is missing, and `failures` says why. */
export interface Observations {
  /** The installation's name. */
  instance?: string;
  /** `null`: there is none. */
  schedule?: ScheduleState | null;
  workers?: QueueWorkers[];
  /** `deliverStreams` workflows that still wait for the broker. */
  deliveries?: number;
  /** RFC 3339: since when the oldest of them does; absent when there are none. */
  oldestDelivery?: string;
  targets?: { user: number; game: number };
  live?: number;
  /** Set when the workers that run name different targets in their settings. */
  settingsDiffer?: ListsDiffer;
  /** Targets that Twitch refuses: how many, and the first few. */
  refused?: { count: number; first: string[] };
  /** `null` for a queue that does not exist. */
  queues?: Record<string, QueueDepth | null>;
  /** Which of them holds dead letters. */
  deadQueue?: string;
  failures: string[];
}

/** Looks at everything at once. Never throws: a service that is away is a finding. */
export async function observe(services: Services): Promise<Observations> {
  const { instance, prefix } = services;
  const { queue, deadQueue } = brokerNames(prefix);
  const parts = await Promise.allSettled([
    services.withTemporal((client, namespace) => observeTemporal(client, namespace, instance)),
    services.withStore(observeStore),
    services.queueDepths([queue, deadQueue]).then((queues) => ({ queues, deadQueue })),
  ]);
  const found: Observations = { instance, failures: [] };
  for (const part of parts) {
    if (part.status === 'fulfilled') Object.assign(found, part.value);
    else found.failures.push(services.describe(part.reason));
  }
  return found;
}

async function observeStore(store: Store): Promise<Partial<Observations>> {
  const { targets, streams } = store;
  const [user, game, live, refused, settingsDiffer] = await Promise.all([
    targets.count('user'),
    targets.count('game'),
    streams.countLive(),
    observeRefused(targets),
    compareLists(store),
  ]);
  return { targets: { user, game }, live, refused, ...(settingsDiffer && { settingsDiffer }) };
}

const SHOWN = 5;

async function observeRefused({ refused }: Targets): Promise<NonNullable<Observations['refused']>> {
  const [users, games] = await Promise.all([refused.list('user'), refused.list('game')]);
  const all = [...users.map(({ id }) => `user ${id}`), ...games.map(({ id }) => `game ${id}`)];
  return { count: all.length, first: all.slice(0, SHOWN) };
}

async function observeTemporal(client: Client, namespace: string, instance: string): Promise<Partial<Observations>> {
  const [schedule, deliveries, ...workers] = await Promise.all([
    readScheduleState(client, instance).catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return null;
      throw error;
    }),
    observeDeliveries(client, instance),
    countWorkers(client, namespace, instance, TaskQueueType.workflow),
    countWorkers(client, namespace, twitchTaskQueueOf(instance), TaskQueueType.activity),
  ]);
  return { schedule, ...deliveries, workers };
}

/** Deliveries that are looked at for the oldest: those of a day and a half, at a poll every 30 s. */
const MOST_DELIVERIES = 5_000;

async function observeDeliveries(
  client: Client,
  instance: string,
): Promise<Pick<Observations, 'deliveries' | 'oldestDelivery'>> {
  const query = `WorkflowType = '${DELIVER_WORKFLOW_TYPE}' AND TaskQueue = '${instance}' AND ExecutionStatus = 'Running'`;
  const { count } = await client.workflow.count(query);
  if (count === 0) return { deliveries: 0 };
  let oldestMs = Number.POSITIVE_INFINITY;
  let left = MOST_DELIVERIES;
  for await (const { startTime } of client.workflow.list({ query, pageSize: 1_000 })) {
    oldestMs = Math.min(oldestMs, startTime.getTime());
    left -= 1;
    if (left === 0) break;
  }
  if (oldestMs === Number.POSITIVE_INFINITY) return { deliveries: count };
  return { deliveries: count, oldestDelivery: new Date(oldestMs).toISOString() };
}

/** `temporal.api.enums.v1.TaskQueueType` */
const TaskQueueType = { workflow: 1, activity: 2 } as const;
/** The server remembers a poller for five minutes; a live one asks again after a minute at the latest. */
const POLLER_FRESH_MS = 75_000;

async function countWorkers(
  client: Client,
  namespace: string,
  taskQueue: string,
  taskQueueType: number,
): Promise<QueueWorkers> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType,
  });
  const fresh = (pollers ?? []).filter(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < POLLER_FRESH_MS,
  );
  return { taskQueue, workers: new Set(fresh.map(({ identity }) => identity)).size };
}
