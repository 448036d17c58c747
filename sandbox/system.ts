import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DEFAULT_INSTANCE } from '../src/poll/names.ts';
import type { PollReport } from '../src/poll/report.ts';
import { applySchedule } from '../src/temporal/schedule/actions.ts';
import { readScheduleState } from '../src/temporal/schedule/state.ts';
import { type Services, startServices } from './services/index.ts';
import { freePort } from './services/ports.ts';
import { plainEnvironment } from './services/process.ts';
import { type LocalWorker, startWorker } from './start/worker.ts';
import { startTwitchSandbox, type TwitchSandbox, type TwitchSandboxOptions } from './twitch/index.ts';

export interface SystemOptions {
  /** The poll interval. */
  intervalSeconds: number;
  /** More settings of the worker, or others than the system's own. */
  env?: NodeJS.ProcessEnv;
}

/** What stands in for Twitch. */
export interface TwitchStandIn {
  settings: TwitchSandbox['settings'];
  close(): Promise<void>;
}

/** A worker process of a {@link System}. */
export interface SystemWorker extends LocalWorker {
  /** Its `/readyz`. */
  readonly healthUrl: string;
}

export interface SystemWorkerOptions {
  /** Other settings than the system's, for this worker alone. */
  env?: NodeJS.ProcessEnv;
  /** Wait until it is ready but for its first poll. Default true. */
  wait?: boolean;
}

/** The whole application on this machine, with services of its own, each of which can be stopped, killed and hung. */
export interface System<S = TwitchSandbox> {
  readonly services: Required<{ [K in 'temporal' | 'redis' | 'rabbitmq']: NonNullable<Services[K]> }> & Services;
  readonly sandbox: S;
  readonly client: Client;
  /** The environment of the workers, and of client commands. */
  readonly env: NodeJS.ProcessEnv;
  /** Holds all files: the services' data and logs, and a folder with its log for each worker. */
  readonly dir: string;
  /** Starts one more worker process. */
  startWorker(options?: SystemWorkerOptions): Promise<SystemWorker>;
  /** Creates or updates the schedule: polls begin. */
  schedule(): Promise<void>;
  /** Reports of the polls that have ended, the newest last; at most 10. */
  reports(): Promise<PollReport[]>;
  /** Stops everything and removes all files, unless they are to be kept. */
  stop(options?: { keepFiles?: boolean }): Promise<void>;
}

const ROOT = resolve(import.meta.dirname, '..');

/** Starts services and the sandbox, in a temporary folder; workers and schedule are the caller's. */
export function startSystem({
  twitch,
  ...options
}: SystemOptions & { twitch?: TwitchSandboxOptions }): Promise<System> {
  return startSystemWith(() => startTwitchSandbox({ requestsPerMinute: 60_000, ...twitch }), options);
}

/** The same with another sandbox, that is closed with the system. */
export async function startSystemWith<S extends TwitchStandIn>(
  startSandbox: () => Promise<S>,
  options: SystemOptions,
): Promise<System<S>> {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-system-'));
  const services = (await startServices({ dir, persist: true, headless: true })) as System['services'];
  const sandbox = await startSandbox();
  // A page of a long history may be larger than gRPC's default of 4 MB.
  const channelArgs = { 'grpc.max_receive_message_length': 64 * 1024 * 1024 };
  const connection = await Connection.connect({ address: services.temporalAddress, channelArgs });
  const client = new Client({ connection });
  const env = plainEnvironment({
    TEMPORAL_ADDRESS: services.temporalAddress,
    TEMPORAL_CONFIG_FILE: '/dev/null',
    DRAGONFLY_URL: services.redisUrl,
    RABBITMQ_URL: services.rabbitmqUrl,
    ...sandbox.settings,
    TWITCH_REQUESTS_PER_MINUTE: '6000',
    POLL_INTERVAL_SECONDS: String(options.intervalSeconds),
    ...options.env,
  });
  const workers: LocalWorker[] = [];
  let started = 0;

  return {
    services,
    sandbox,
    client,
    env,
    dir,
    async startWorker({ env: own = {}, wait = true } = {}) {
      const port = await freePort();
      const healthUrl = `http://127.0.0.1:${port}/readyz`;
      const worker = await startWorker({
        root: ROOT,
        dir: join(dir, `worker-${started++}`),
        env: { ...env, ...own, HTTP_PORT: String(port) },
        healthUrl,
      });
      workers.push(worker);
      if (wait) await worker.ready();
      return { ...worker, healthUrl };
    },
    async schedule() {
      await applySchedule(client, { intervalSeconds: options.intervalSeconds });
    },
    async reports() {
      const { runs } = await readScheduleState(client, DEFAULT_INSTANCE);
      const completed = runs.filter(({ status }) => status === 'COMPLETED').toReversed();
      return Promise.all(
        completed.map(({ workflowId, runId }) => client.workflow.result(workflowId, runId) as Promise<PollReport>),
      );
    },
    async stop({ keepFiles = false } = {}) {
      await Promise.allSettled(workers.map((worker) => worker.kill()));
      await connection.close();
      await Promise.allSettled([services.stop(), sandbox.close()]);
      // Something may still be writing its last bytes there.
      if (!keepFiles) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
