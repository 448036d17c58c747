import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findOrInstall } from './install.ts';
import { ask, withFreePorts } from './ports.ts';
import { findCommand, plainEnvironment, reapStale } from './process.ts';
import { LocalService, type Processes, startServer } from './service.ts';
import type { SetUpOptions } from './setup/work.ts';

export type RedisKind = 'dragonfly' | 'valkey-server' | 'redis-server';

export interface RedisOptions extends SetUpOptions {
  /** Holds its data and its log. */
  dir: string;
  /** Default: a free one. */
  port?: number;
  /** Keeps the data when it is stopped or killed, and starts with what `dir` holds. Default: false. */
  persist?: boolean;
  /** More of the server's flags. */
  flags?: readonly string[];
}

/** A private Dragonfly, Valkey or Redis on 127.0.0.1. */
export interface LocalRedis extends LocalService {
  readonly url: string;
  readonly kind: RedisKind;
  /** Stops and starts it on the same port; `keepData: false` loses everything, as a replaced machine would. */
  restart(options: { keepData: boolean }): Promise<void>;
}

const KINDS: readonly RedisKind[] = ['dragonfly', 'valkey-server', 'redis-server'];

/** Finds a Redis-compatible server, installing Debian's when there is none and we may. */
export function findRedis(options: SetUpOptions = {}): Promise<{ kind: RedisKind; path: string }> {
  const advice =
    'no Redis-compatible server found. Put dragonfly, valkey-server or redis-server on PATH ' +
    '(Debian, Ubuntu: sudo apt install redis-server; macOS: brew install redis), ' +
    'or set DRAGONFLY_URL to one that runs.';
  return findOrInstall(findInstalled, { packageName: 'redis-server', advice }, options);
}

/** Starts a server of its own for the caller. @throws when none is installed, or when it does not come up */
export async function startRedis(options: RedisOptions): Promise<LocalRedis> {
  const { kind, path } = await findRedis(options);
  const { dir, persist = false, flags = [] } = options;
  await reapStale(dir, 'redis');

  let empty = !persist;
  const launch = async (port: number): Promise<Processes> => {
    if (empty) removeData(dir);
    const own = kind === 'dragonfly' ? dragonflyArguments(dir, port, persist) : redisArguments(dir, port, persist);
    const args = [...own, ...flags];
    const isReady = () => ask(port, 'PING\r\n', (answer) => answer.includes('+PONG'));
    const what = `${kind} on port ${port}`;
    return [await startServer({ name: 'redis', dir, command: path, args, env: plainEnvironment(), what, isReady })];
  };
  const [port, processes] = await withFreePorts(1, async ([free]) => {
    const chosen = options.port ?? (free as number);
    return [chosen, await launch(chosen)] as const;
  });
  const service = new LocalService(processes, () => launch(port));

  return Object.assign(service, {
    url: `redis://127.0.0.1:${port}`,
    kind,
    async restart({ keepData }: { keepData: boolean }) {
      if (keepData && !persist) await save(port, kind);
      await (keepData ? service.stop() : service.kill());
      empty = !keepData;
      await service.start();
      empty = !persist;
    },
  });
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
