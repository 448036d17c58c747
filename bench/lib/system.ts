import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import { type Services, startServices } from '../../sandbox/services/index.ts';
import { freePort } from '../../sandbox/services/ports.ts';
import { plainEnvironment } from '../../sandbox/services/process.ts';
import { startWorker } from '../../sandbox/start/worker.ts';
import { TASK_QUEUE } from '../../src/poll/names.ts';
import type { PollReport } from '../../src/poll/report.ts';
import { applySchedule, pauseSchedule, resumeSchedule } from '../../src/temporal/schedule/actions.ts';
import type { pollStreams } from '../../src/workflows/pollStreams.ts';
import { Arrivals } from './arrivals.ts';
import type { Versions } from './machine.ts';
import { type RemoteSandbox, startRemoteSandbox } from './remoteSandbox.ts';
import type { SandboxStart } from './sandboxProtocol.ts';

const run = promisify(execFile);

/** The root of the project. */
export const ROOT = resolve(import.meta.dirname, '..', '..');

export interface BenchWorker {
  pid: number;
  stop(): Promise<void>;
}

export interface BenchSystemOptions {
  twitch: SandboxStart;
  /** Settings of the worker besides the addresses. */
  env?: NodeJS.ProcessEnv;
}

type Running = Required<{ [K in 'temporal' | 'redis' | 'rabbitmq']: NonNullable<Services[K]> }> & Services;

/**
 * The application as it runs in production, on this machine: worker, Twitch sandbox and each service in a process of its own.
 * Temporal, Redis and RabbitMQ keep their state on disk.
 */
export class BenchSystem {
  readonly dir: string;
  readonly services: Running;
  readonly client: Client;
  readonly sandbox: RemoteSandbox;
  readonly env: NodeJS.ProcessEnv;
  arrivals: Arrivals | undefined;
  readonly #options: BenchSystemOptions;
  readonly #workers: { kill(): Promise<void> }[] = [];
  #polls = 0;

  private constructor(
    options: BenchSystemOptions,
    parts: { dir: string; services: Running; client: Client; sandbox: RemoteSandbox; bundle: string },
  ) {
    this.#options = options;
    this.dir = parts.dir;
    this.services = parts.services;
    this.client = parts.client;
    this.sandbox = parts.sandbox;
    this.env = plainEnvironment({
      TEMPORAL_ADDRESS: parts.services.temporalAddress,
      TEMPORAL_CONFIG_FILE: '/dev/null',
      DRAGONFLY_URL: parts.services.redisUrl,
      RABBITMQ_URL: parts.services.rabbitmqUrl,
      TWITCH_API_URL: parts.sandbox.apiUrl,
      TWITCH_AUTH_URL: parts.sandbox.authUrl,
      TWITCH_CLIENT_ID: parts.sandbox.clientId,
      TWITCH_CLIENT_SECRET: parts.sandbox.clientSecret,
      POLL_INTERVAL_SECONDS: '1',
      LOG_LEVEL: 'warn',
      // As in the image: a worker that bundles its workflows at the start keeps the memory that took.
      WORKFLOW_BUNDLE: parts.bundle,
      NODE_ENV: 'production',
      ...options.env,
    });
  }

  static async start(options: BenchSystemOptions): Promise<BenchSystem> {
    const dir = mkdtempSync(join(tmpdir(), 'stream-poller-bench-'));
    const bundle = join(dir, 'workflows.js');
    const [services, sandbox] = await Promise.all([
      startServices({ dir, persist: true, headless: true }) as Promise<Running>,
      startRemoteSandbox(options.twitch),
      run(process.execPath, [join(ROOT, 'scripts', 'bundle-workflows.ts'), bundle]),
    ]);
    // A page of a long history may be larger than gRPC's default of 4 MB.
    const channelArgs = { 'grpc.max_receive_message_length': 64 * 1024 * 1024 };
    const connection = await Connection.connect({ address: services.temporalAddress, channelArgs });
    const client = new Client({ connection });
    return new BenchSystem(options, { dir, services, client, sandbox, bundle });
  }

  /** Adds all users of the sandbox as targets, through the client's own command. Returns its seconds. */
  async importTargets(): Promise<number> {
    const file = join(this.dir, 'targets.txt');
    await this.sandbox.writeUserIds(file);
    const startedMs = performance.now();
    const args = [join(ROOT, 'src', 'client.ts'), 'targets', 'import', file];
    await run(process.execPath, args, { env: this.env, timeout: 600_000 });
    return (performance.now() - startedMs) / 1_000;
  }

  /** Starts a worker process and, with the first one, takes what arrives in the queue. */
  async startWorker(env: NodeJS.ProcessEnv = {}): Promise<BenchWorker> {
    const port = await freePort();
    const dir = join(this.dir, `worker-${this.#workers.length}`);
    const worker = await startWorker({
      root: ROOT,
      dir,
      env: { ...this.env, ...env, HTTP_PORT: String(port) },
      healthUrl: `http://127.0.0.1:${port}/readyz`,
    });
    this.#workers.push(worker);
    await worker.ready();
    this.arrivals ??= await Arrivals.start(this.services.rabbitmqUrl);
    const { pid } = JSON.parse(readFileSync(join(dir, 'worker.pid'), 'utf8'));
    return { pid, stop: () => worker.stop() };
  }

  /** Lets polls follow each other: with an interval of a second, one begins at once or at the next second. */
  async poll(): Promise<void> {
    await applySchedule(this.client, { intervalSeconds: Number(this.env.POLL_INTERVAL_SECONDS) });
    await resumeSchedule(this.client, 'benchmark');
  }

  async pause(): Promise<void> {
    await pauseSchedule(this.client, 'benchmark');
  }

  /** Runs one poll by itself, without the schedule. */
  async pollOnce(): Promise<{ handle: WorkflowHandle<typeof pollStreams>; report: PollReport }> {
    const handle = await this.client.workflow.start<typeof pollStreams>('pollStreams', {
      taskQueue: TASK_QUEUE,
      workflowId: `bench-poll-${this.#polls++}`,
    });
    return { handle, report: await handle.result() };
  }

  /** Bytes of the Temporal server's database, with what is still in its write-ahead log. */
  databaseBytes(): number {
    const database = new DatabaseSync(join(this.dir, 'temporal', 'temporal.db'), { readOnly: true });
    const read = (pragma: string) => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
    const bytes = Number(read('page_count')) * Number(read('page_size'));
    database.close();
    return bytes;
  }

  async versions(): Promise<Versions> {
    const redis = new Redis(this.services.redisUrl, { protocol: 2 });
    const info = await redis.info('server');
    redis.disconnect();
    const { serverVersion } = await this.client.connection.workflowService.getSystemInfo({});
    return {
      temporalServer: serverVersion ?? '',
      store: `${this.services.redis.kind} ${/redis_version:(\S+)/.exec(info)?.[1] ?? ''}`,
      rabbitmq: this.arrivals?.brokerVersion ?? '',
    };
  }

  /** Another sandbox in the same state, for a contender that shall meet the same. */
  async sandboxAgain(): Promise<RemoteSandbox> {
    return startRemoteSandbox(this.#options.twitch);
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#workers.map((worker) => worker.kill()));
    await this.arrivals?.stop();
    await this.client.connection.close();
    await Promise.allSettled([this.services.stop(), this.sandbox.close()]);
    // Whatever writes its last bytes while the folder is being removed.
    await sleep(100);
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
