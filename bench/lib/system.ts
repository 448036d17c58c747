import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import { startSystemWith } from '../../sandbox/system.ts';
import { TASK_QUEUE } from '../../src/poll/names.ts';
import type { PollReport } from '../../src/poll/report.ts';
import { pauseSchedule } from '../../src/temporal/schedule/actions.ts';
import type { pollStreams } from '../../src/workflows/pollStreams.ts';
import { Arrivals } from './arrivals.ts';
import type { Versions } from './machine.ts';
import { startRemoteSandbox } from './remoteSandbox.ts';
import type { SandboxStart } from './sandboxProcess.ts';
import type { ScenarioContext } from './scenario.ts';

const run = promisify(execFile);

/** The root of the project. */
export const ROOT = resolve(import.meta.dirname, '..', '..');

export interface BenchSystemOptions {
  twitch: SandboxStart;
  /** Default 1: polls follow each other, one begins at once or at the next second. */
  intervalSeconds?: number;
  /** More settings of the worker. */
  env?: NodeJS.ProcessEnv;
}

export type BenchSystem = Awaited<ReturnType<typeof startBenchSystem>>;

/**
 * The application as it runs in production, on this machine: worker, Twitch sandbox and each service in a process of its own.
 * Temporal, Redis and RabbitMQ keep their state on disk. It stops with the scenario at the latest.
 */
export async function startBenchSystem(
  { defer }: Pick<ScenarioContext, 'defer'>,
  { twitch, intervalSeconds = 1, env }: BenchSystemOptions,
) {
  const system = await startSystemWith(() => startRemoteSandbox(twitch), {
    intervalSeconds,
    env: {
      // The default.
      TWITCH_REQUESTS_PER_MINUTE: '780',
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
      ...env,
      NODE_OPTIONS: [env?.NODE_OPTIONS, process.env.WORKER_NODE_OPTIONS].filter(Boolean).join(' '),
    },
  });
  const { dir, services, client, sandbox } = system;
  const arrivals = new Arrivals();
  const workers: { stop(): Promise<void> }[] = [];
  let polls = 0;
  const stop = async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await arrivals.stop();
    await system.stop();
  };
  defer(stop);
  // As in the image: a worker that bundles its workflows at the start keeps the memory that took.
  system.env.WORKFLOW_BUNDLE = join(dir, 'workflows.js');
  await run(process.execPath, [join(ROOT, 'scripts', 'bundle-workflows.ts'), system.env.WORKFLOW_BUNDLE]);

  return {
    ...system,
    sandbox: sandbox.calls,
    arrivals,
    stop,
    /** Adds all users of the sandbox as targets, through the client's own command. Returns its seconds. */
    async importTargets(): Promise<number> {
      const file = join(dir, 'targets.txt');
      await sandbox.calls.writeUserIds(file);
      const startedMs = performance.now();
      const args = [join(ROOT, 'src', 'client.ts'), 'targets', 'import', file];
      await run(process.execPath, args, { env: system.env, timeout: 600_000 });
      return (performance.now() - startedMs) / 1_000;
    },
    /** Starts a worker process and, with the first one, takes what arrives in the queue. */
    async startWorker(own: NodeJS.ProcessEnv = {}) {
      const worker = await system.startWorker({ env: own });
      workers.push(worker);
      await arrivals.start(services.rabbitmqUrl);
      return worker;
    },
    pause: () => pauseSchedule(client, 'benchmark'),
    /** Runs one poll by itself, without the schedule. */
    async pollOnce(): Promise<{ handle: WorkflowHandle<typeof pollStreams>; report: PollReport }> {
      const handle = await client.workflow.start<typeof pollStreams>('pollStreams', {
        taskQueue: TASK_QUEUE,
        workflowId: `bench-poll-${polls++}`,
      });
      return { handle, report: await handle.result() };
    },
    /** Bytes of the Temporal server's database, with what is still in its write-ahead log. */
    databaseBytes(): number {
      const database = new DatabaseSync(join(dir, 'temporal', 'temporal.db'), { readOnly: true });
      const read = (pragma: string) => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
      const bytes = Number(read('page_count')) * Number(read('page_size'));
      database.close();
      return bytes;
    },
    async versions(): Promise<Versions> {
      const redis = new Redis(services.redisUrl, { protocol: 2 });
      const info = await redis.info('server');
      redis.disconnect();
      const { serverVersion } = await client.connection.workflowService.getSystemInfo({});
      return {
        temporalServer: serverVersion ?? '',
        store: `${services.redis.kind} ${/redis_version:(\S+)/.exec(info)?.[1] ?? ''}`,
        rabbitmq: arrivals.brokerVersion,
      };
    },
  };
}
