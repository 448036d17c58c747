import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withFreePorts } from './ports.ts';
import { command, plainEnvironment, reapStale } from './process.ts';
import { LocalService, type Processes, startServer } from './service.ts';
import type { SetUpOptions } from './setup/work.ts';
import { findTemporalCli } from './temporal-cli.ts';

export interface TemporalOptions extends SetUpOptions {
  /** Holds its log. */
  dir: string;
  /** Port of the frontend; default: a free one. */
  port?: number;
  /** Default: `default`. */
  namespace?: string;
  /** SQLite file that keeps its state over restarts; without one, the state ends with the process. */
  dbFile?: string;
  /** Without the Web UI. */
  headless?: boolean;
  /** Default: a free one. */
  uiPort?: number | undefined;
}

/** A private Temporal dev server on 127.0.0.1. With `dbFile`, it comes back with the state it had. */
export interface LocalTemporal extends LocalService {
  /** `host:port` of the frontend. */
  readonly address: string;
  /** The Web UI; undefined when headless. */
  readonly uiUrl: string | undefined;
  readonly namespace: string;
  /** The `temporal` program that runs it. */
  readonly cli: string;
}

/**
 * One partition for each task queue: a queue's rate limit is divided among its partitions, and with the default of 4 the
 * last one drains alone at a quarter of the limit. The dev server takes no constraint on the queue's name here.
 */
const ONE_PARTITION = ['matching.numTaskqueueReadPartitions=1', 'matching.numTaskqueueWritePartitions=1'];
/** Diff and publish start in the worker that asked for them, without a way through the queue: 5 ms less each. */
const EAGER_DISPATCH = 'system.enableActivityEagerExecution=true';
export const DYNAMIC_CONFIG = [...ONE_PARTITION, EAGER_DISPATCH];
/**
 * A killed server has kept every commit; a machine that loses its power may lose the last ones, and comes up with a sound
 * file. SQLite's default, a rollback journal, made every step of a workflow half as long again.
 */
export const SQLITE_PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];

/** For a client of a local server: gRPC goes through the proxy of the environment also to its own machine, unless told not to. */
export function withoutProxyHere(env: NodeJS.ProcessEnv = process.env): { no_grpc_proxy: string } {
  return { no_grpc_proxy: [env.no_grpc_proxy ?? env.no_proxy, '127.0.0.1'].filter(Boolean).join(',') };
}

/** Starts a dev server of its own for the caller. @throws when the CLI is missing, or when the server does not come up */
export async function startTemporal(options: TemporalOptions): Promise<LocalTemporal> {
  const { namespace = 'default', headless = false } = options;
  const dir = resolve(options.dir);
  const cli = await findTemporalCli(options);
  await reapStale(dir, 'temporal');
  mkdirSync(dir, { recursive: true });
  // An empty file in place of the user's own: profiles and addresses from there are for other servers.
  const config = join(dir, 'temporal.toml');
  writeFileSync(config, '');
  const env = plainEnvironment({ TEMPORAL_CONFIG_FILE: config });

  const launch = async (port: number, uiPort: number): Promise<Processes> => {
    const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--namespace', namespace];
    args.push('--log-level', 'warn', ...(headless ? ['--headless'] : ['--ui-port', String(uiPort)]));
    if (options.dbFile) {
      args.push('--db-filename', resolve(options.dbFile));
      for (const pragma of SQLITE_PRAGMAS) args.push('--sqlite-pragma', pragma);
    }
    for (const setting of DYNAMIC_CONFIG) args.push('--dynamic-config-value', setting);
    const isReady = () => knowsNamespace(cli, `127.0.0.1:${port}`, namespace, env);
    const what = `Temporal on port ${port}`;
    return [await startServer({ name: 'temporal', dir, command: cli, args, env, what, isReady })];
  };
  const [port, uiPort, processes] = await withFreePorts(2, async ([free = 0, freeUi = 0]) => {
    const chosen = [options.port ?? free, options.uiPort ?? freeUi] as const;
    return [...chosen, await launch(...chosen)] as const;
  });

  return Object.assign(new LocalService(processes, () => launch(port, uiPort)), {
    address: `127.0.0.1:${port}`,
    uiUrl: headless ? undefined : `http://127.0.0.1:${uiPort}`,
    namespace,
    cli,
  });
}

/** The dev server listens before it has made its namespace, and a worker needs both. */
async function knowsNamespace(
  cli: string,
  address: string,
  namespace: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const args = ['operator', 'namespace', 'describe', '--namespace', namespace, '--address', address];
  try {
    await command(cli, args, env, 5_000);
    return true;
  } catch {
    // Not yet: the caller asks again, and says why it gives up.
    return false;
  }
}
