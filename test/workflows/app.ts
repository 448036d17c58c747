import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { pino } from 'pino';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import { startTwitchSandbox, type TwitchSandbox } from '../../sandbox/twitch/index.ts';
import type { Dependencies } from '../../src/activities/dependencies.ts';
import { createActivities } from '../../src/activities/index.ts';
import { Secret, secretUrl } from '../../src/config/secret.ts';
import { deliverTaskQueueOf } from '../../src/poll/names.ts';
import type { PollReport } from '../../src/poll/report.ts';
import { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { TwitchClient } from '../../src/twitch/client.ts';
import type { PollInput } from '../../src/workflows/input.ts';
import type { pollStreams } from '../../src/workflows/pollStreams.ts';
import { openStore, type Store } from '../storage/support.ts';
import { Mailbox } from '../support/mailbox.ts';
import { freshVhost, randomPrefix, temporal } from '../support/services.ts';

const run = promisify(execFile);

Runtime.install({ logger: new DefaultLogger('ERROR') });

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** The workflows' bundle, made once per test file. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  return bundle;
}

export type AppSettings = Partial<Dependencies['settings']>;

/** The whole application in this process, on real services, with queues, keys and a virtual host of its own. */
export interface TestApp {
  sandbox: TwitchSandbox;
  store: Store;
  consumer: Mailbox;
  environment: TestWorkflowEnvironment;
  /** Sits between the publisher and the broker. */
  brokerProxy: FaultProxy;
  taskQueue: string;
  /** Handles of the polls, in their order. */
  polls: WorkflowHandleWithFirstExecutionRunId<typeof pollStreams>[];
  startPoll(input?: PollInput): Promise<WorkflowHandleWithFirstExecutionRunId<typeof pollStreams>>;
  /** Starts a poll as a schedule would, and waits for its report. */
  poll(input?: PollInput): Promise<PollReport>;
  stop(): Promise<void>;
}

/** Other services than the shared ones, for the application alone. */
export interface Places {
  /** A broker in the place of the real one, on which the consumer stays. */
  brokerUrl?: string;
  storeUrl?: string;
}

export async function startApp(settings: AppSettings = {}, places: Places = {}): Promise<TestApp> {
  const logger = pino({ level: 'silent' });
  const [{ address, namespace }, brokerUrl, store] = await Promise.all([
    temporal(),
    freshVhost(),
    openStore(places.storeUrl),
  ]);
  const environment = await TestWorkflowEnvironment.createFromExistingServer({ address, namespace });
  const sandbox = await startTwitchSandbox({ requestsPerMinute: 60_000 });
  const broker = new URL(places.brokerUrl ?? brokerUrl);
  const brokerProxy = await startFaultProxy({ target: { host: broker.hostname, port: Number(broker.port) } });
  broker.host = `127.0.0.1:${brokerProxy.port}`;
  const twitch = new TwitchClient({
    clientId: sandbox.clientId,
    clientSecret: new Secret(sandbox.clientSecret),
    apiUrl: sandbox.apiUrl,
    authUrl: sandbox.authUrl,
    validateTtlSeconds: 30,
    logger,
  });
  const publisher = new RabbitPublisher({ url: secretUrl(broker.href), topology: 'declare', logger });
  publisher.start();
  const consumer = new Mailbox(brokerUrl);
  const { pollPage, checkUsers, deliverEvents, ...activities } = createActivities({
    settings: {
      intervalSeconds: 30,
      firstSight: 'announce',
      offlineAfterMisses: 2,
      requestsPerMinute: 780,
      recentlyLiveDays: 14,
      dormantMaxSeconds: 900,
      ...settings,
    },
    ...store,
    settingsTargets: { apply: async () => undefined },
    twitch,
    publisher,
  });
  const taskQueue = randomPrefix();
  const common = { connection: environment.nativeConnection, namespace, maxHeartbeatThrottleInterval: '1s' as const };
  const workers = [
    await Worker.create({ ...common, taskQueue, workflowBundle: await workflowBundle(), activities }),
    await Worker.create({
      ...common,
      taskQueue: `${taskQueue}-twitch`,
      activities: { pollPage, checkUsers },
      maxTaskQueueActivitiesPerSecond: 1_000,
    }),
    await Worker.create({ ...common, taskQueue: deliverTaskQueueOf(taskQueue), activities: { deliverEvents } }),
  ];
  const running = workers.map((worker) => worker.run());

  const polls: TestApp['polls'] = [];
  const startPoll: TestApp['startPoll'] = async (input = {}) => {
    const handle = await environment.client.workflow.start<typeof pollStreams>('pollStreams', {
      taskQueue,
      workflowId: `poll-${randomPrefix()}`,
      args: [{ twitchTaskQueue: `${taskQueue}-twitch`, ...input }],
      workflowExecutionTimeout: '2 minutes',
    });
    polls.push(handle);
    return handle;
  };
  return {
    sandbox,
    store,
    consumer,
    environment,
    brokerProxy,
    taskQueue,
    polls,
    startPoll,
    poll: async (input) => (await startPoll(input)).result(),
    async stop() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await Promise.all([consumer.stop(), publisher.close(), twitch.close()]);
      await Promise.all([brokerProxy.close(), sandbox.close(), environment.teardown()]);
      store.connection.disconnect();
    },
  };
}

export interface RecordedHistory {
  workflowId: string;
  /** As `temporal workflow show --output json` prints it. */
  history: {
    events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
  };
}

/** The histories of all workflows of an app: each poll's runs, and the deliveries that they handed over to. */
export async function recordHistories(app: TestApp): Promise<RecordedHistory[]> {
  const { cli, address, namespace } = await temporal();
  const recorded: RecordedHistory[] = [];
  const query = `TaskQueue = '${app.taskQueue}'`;
  for await (const { workflowId, runId } of app.environment.client.workflow.list({ query })) {
    const which = ['--workflow-id', workflowId, '--run-id', runId, '--address', address, '--namespace', namespace];
    const { stdout } = await run(cli, ['workflow', 'show', '--output', 'json', ...which], { maxBuffer: 2 ** 26 });
    // Identities, sticky queues and stack traces name the machine; a replay does not need them.
    recorded.push({
      workflowId,
      history: JSON.parse(stdout.replaceAll(`@${hostname()}`, '@recorded').replaceAll(`${process.cwd()}/`, '')),
    });
  }
  return recorded;
}

/** Runs `work` with an application of its own; what it did has to replay, and holds no secret. */
export async function withApp(work: (app: TestApp) => Promise<void>, settings: AppSettings = {}): Promise<void> {
  const app = await startApp(settings);
  try {
    await work(app);
    const recorded = await recordHistories(app);
    assert.ok(recorded.length >= app.polls.length);
    for (const { workflowId, history } of recorded) {
      const text = JSON.stringify(history);
      for (const secret of [app.sandbox.clientSecret, 'Bearer', 'access_token']) assert.ok(!text.includes(secret));
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
    }
  } finally {
    await app.stop();
  }
}
