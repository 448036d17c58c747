import { join } from 'node:path';
import { reapStale } from './process.ts';
import { type LocalRabbitmq, startRabbitmq } from './rabbitmq.ts';
import { type LocalRedis, startRedis } from './redis.ts';
import { type Steps, silentSteps } from './steps.ts';
import { type LocalTemporal, startTemporal } from './temporal.ts';

export interface ServicesOptions {
  /** Holds the data and logs of all services. Only one process at a time can use a folder. */
  dir: string;
  /** Keeps Temporal's and Redis's state for the next start in the same folder. RabbitMQ always does. Default: false. */
  persist?: boolean;
  /** Names services that run already; one whose variable is missing or empty is started. Default: none. */
  env?: { TEMPORAL_ADDRESS?: string; TEMPORAL_NAMESPACE?: string; DRAGONFLY_URL?: string; RABBITMQ_URL?: string };
  /** Shows each service's start. Default: nothing is shown. */
  steps?: Steps;
  /** Without Temporal's Web UI. Default: false. */
  headless?: boolean;
  /** Ports for those that are started, for a caller who tells others before they are up. Default: free ones. */
  ports?: { temporal?: number; temporalUi?: number; redis?: number; rabbitmq?: number };
  /** Ends the waiting for what is being installed or built; that goes on, see `whatGoesOn`. */
  signal?: AbortSignal;
}

/** The three services that the application needs: where they are, and those among them that we run. */
export interface Services {
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly redisUrl: string;
  readonly rabbitmqUrl: string;
  /** Undefined when the service was given and is not ours to control. */
  readonly temporal: LocalTemporal | undefined;
  readonly redis: LocalRedis | undefined;
  readonly rabbitmq: LocalRabbitmq | undefined;
  /** Stops those that were started here, all at once. */
  stop(): Promise<void>;
  /** Ends them at once. */
  kill(): Promise<void>;
}

/**
 * Ends what a dead run left behind in a folder, so that the folder can be removed or used.
 *
 * @throws FolderInUseError when a live run uses it
 */
export async function reapServices(dir: string): Promise<void> {
  const records = { temporal: ['temporal'], redis: ['redis'], rabbitmq: ['rabbitmq', 'epmd'] };
  for (const [folder, names] of Object.entries(records)) {
    for (const name of names) await reapStale(join(dir, folder), name);
  }
}

/**
 * Starts the services that are not given, all at once. No service stays behind: when one fails to start the others are
 * stopped, and when this process dies in any way its services end with it (see `startProcess`). What has to be installed or
 * built for them goes on.
 *
 * @throws the error of the service that failed; FolderInUseError when another process uses `dir`
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { dir, persist = false, env = {}, steps = silentSteps, headless = false, ports = {} } = options;
  const failing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failing.signal]) : failing.signal;
  const on = (port: number | undefined) => (port === undefined ? {} : { port });
  const startOne = <T>(label: string, given: string | undefined, start: (say: (text: string) => void) => Promise<T>) =>
    given
      ? undefined
      : steps.run(label, start).catch((error) => {
          // The first reason is the one to tell, and the others need not build anything first.
          failing.abort(error);
          throw error;
        });

  const starts = [
    startOne('Temporal', env.TEMPORAL_ADDRESS, (say) => {
      const temporalDir = join(dir, 'temporal');
      const keep = persist ? { dbFile: join(temporalDir, 'temporal.db') } : {};
      const uiPort = ports.temporalUi;
      return startTemporal({ dir: temporalDir, say, signal, headless, uiPort, ...on(ports.temporal), ...keep });
    }),
    startOne('Redis', env.DRAGONFLY_URL, (say) =>
      startRedis({ dir: join(dir, 'redis'), persist, say, signal, ...on(ports.redis) }),
    ),
    startOne('RabbitMQ', env.RABBITMQ_URL, (say) =>
      startRabbitmq({ dir: join(dir, 'rabbitmq'), say, signal, ...on(ports.rabbitmq) }),
    ),
  ] as const;

  const results = await Promise.allSettled(starts);
  const end = async (how: 'stop' | 'kill') => {
    await Promise.all(results.map((result) => (result.status === 'fulfilled' ? result.value?.[how]() : undefined)));
  };
  if (failing.signal.aborted) {
    await end('stop');
    throw failing.signal.reason;
  }
  const [temporal, redis, rabbitmq] = await Promise.all(starts);

  return {
    temporalAddress: temporal?.address ?? (env.TEMPORAL_ADDRESS as string),
    temporalNamespace: temporal?.namespace ?? (env.TEMPORAL_NAMESPACE || 'default'),
    redisUrl: redis?.url ?? (env.DRAGONFLY_URL as string),
    rabbitmqUrl: rabbitmq?.url ?? (env.RABBITMQ_URL as string),
    temporal,
    redis,
    rabbitmq,
    stop: () => end('stop'),
    kill: () => end('kill'),
  };
}
