import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canAptInstall } from './install.ts';
import { ask, PortTakenError, untilReady, withFreePorts } from './ports.ts';
import {
  findCommand,
  logFile,
  type ManagedProcess,
  plainEnvironment,
  reapStale,
  startProcess,
  tailLog,
} from './process.ts';
import type { SetUpOptions } from './setup/work.ts';

export type RedisKind = 'dragonfly' | 'valkey-server' | 'redis-server';

export interface RedisOptions extends SetUpOptions {
  /** Holds its data and its log. */
  dir: string;
  /** Default: a free one. */
  port?: number;
  /** Keeps the data when it is stopped or killed, and starts with what `dir` holds. Default: false. */
  persist?: boolean;
}

/** A private Dragonfly, Valkey or Redis on 127.0.0.1. */
export interface LocalRedis {
  readonly url: string;
  readonly pid: number;
  readonly kind: RedisKind;
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port after `stop` or `kill`, with what it had kept. */
  start(): Promise<void>;
  /** Stops and starts it on the same port; `keepData: false` loses everything, as a replaced machine would. */
  restart(options: { keepData: boolean }): Promise<void>;
  /** Freezes it: connections stay open and nobody answers. */
  pause(): void;
  resume(): void;
}

const KINDS: readonly RedisKind[] = ['dragonfly', 'valkey-server', 'redis-server'];

/** Finds a Redis-compatible server, installing Debian's when there is none and we may. */
export async function findRedis(options: SetUpOptions = {}): Promise<{ kind: RedisKind; path: string }> {
  const found = findInstalled();
  if (found) return found;
  if (canAptInstall()) {
    await aptInstall('redis-server', () => findInstalled() !== undefined, options);
    const installed = findInstalled();
    if (installed) return installed;
  }
  throw new Error(
    'no Redis-compatible server found. Put dragonfly, valkey-server or redis-server on PATH ' +
      '(Debian, Ubuntu: sudo apt install redis-server; macOS: brew install redis), ' +
      'or set DRAGONFLY_URL to one that runs.',
  );
}

/** Starts a server of its own for the caller. @throws when none is installed, or when it does not come up */
export async function startRedis(options: RedisOptions): Promise<LocalRedis> {
  const { kind, path } = await findRedis(options);
  const { dir, persist = false } = options;
  await reapStale(dir, 'redis');
  if (!persist) removeData(dir);

  const launch = async (port: number): Promise<ManagedProcess> => {
    const args = kind === 'dragonfly' ? dragonflyArguments(dir, port, persist) : redisArguments(dir, port, persist);
    const started = await startProcess({ name: 'redis', dir, command: path, args, env: plainEnvironment() });
    const log = logFile(dir, 'redis');
    try {
      await untilReady(() => ask(port, 'PING\r\n', (answer) => answer.includes('+PONG')), {
        what: `${kind} on port ${port}`,
        timeoutMs: 60_000,
        intervalMs: 20,
        givenUp: () => (started.running ? undefined : new Error(`${kind} ended at once:\n${tailLog(log)}`)),
      });
    } catch (error) {
      await started.kill();
      if (/address already in use|could not create server/i.test(tailLog(log))) throw new PortTakenError(String(error));
      throw error;
    }
    return started;
  };

  const [port, first] = options.port
    ? [options.port, await launch(options.port)]
    : await withFreePorts(1, async ([free]) => [free as number, await launch(free as number)] as const);
  let current = first;

  return {
    url: `redis://127.0.0.1:${port}`,
    kind,
    get pid() {
      return current.pid;
    },
    stop: () => current.stop(),
    kill: () => current.kill(),
    async start() {
      if (current.running) return;
      if (!persist) removeData(dir);
      current = await launch(port);
    },
    async restart({ keepData }) {
      if (keepData && !persist) await save(port, kind);
      await (keepData ? current.stop() : current.kill());
      if (!keepData) removeData(dir);
      current = await launch(port);
      // A snapshot that stayed behind would come back from the past at a later start.
      if (!persist) removeData(dir);
    },
    pause: () => current.pause(),
    resume: () => current.resume(),
  };
}

/** Writes a snapshot. @throws when there is none within a minute: what is to be kept would be lost */
async function save(port: number, kind: RedisKind): Promise<void> {
  if (await ask(port, 'SAVE\r\n', (answer) => answer.includes('+OK'), 60_000)) return;
  throw new Error(`${kind} on port ${port} could not save its data before the restart`);
}

function findInstalled(): { kind: RedisKind; path: string } | undefined {
  for (const kind of KINDS) {
    const path = findCommand(kind);
    if (path) return { kind, path };
  }
  return undefined;
}

function redisArguments(dir: string, port: number, persist: boolean): string[] {
  const keep = persist ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : ['--appendonly', 'no'];
  return ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...keep];
}

/** Dragonfly takes every core and most of the memory that it finds, and wants 256 MiB for each thread. */
const DRAGONFLY_LIMITS = ['--proactor_threads=2', '--maxmemory=2gb'];
/** It asks its makers daily whether it is the newest, and answers HTTP on the port that is meant for commands. */
const DRAGONFLY_QUIET = ['--version_check=false', '--primary_port_http_enabled=false'];

function dragonflyArguments(dir: string, port: number, persist: boolean): string[] {
  const place = [`--port=${port}`, '--bind=127.0.0.1', `--dir=${dir}`, '--dbfilename=dump', '--logtostderr'];
  const keep = persist ? ['--snapshot_cron=* * * * *'] : [];
  return [...place, ...DRAGONFLY_LIMITS, ...DRAGONFLY_QUIET, ...keep];
}

function removeData(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    if (name.startsWith('dump') || name === 'appendonlydir') rmSync(join(dir, name), { recursive: true });
  }
}
