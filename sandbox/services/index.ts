import { join } from 'node:path';
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
}

/**
 * Starts the services that are not given, all at once. Nothing stays behind: when one fails to start the others are
 * stopped, and when this process dies in any way its services end with it (see `startProcess`).
 *
 * @throws the error of the service that failed; FolderInUseError when another process uses `dir`
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { dir, persist = false, env = {}, steps = silentSteps, headless = false } = options;
  const startOne = <T>(label: string, given: string | undefined, start: (say: (text: string) => void) => Promise<T>) =>
    given ? undefined : steps.run(label, start);

  const starts = [
    startOne('Temporal', env.TEMPORAL_ADDRESS, (say) => {
      const temporalDir = join(dir, 'temporal');
      const keep = persist ? { dbFile: join(temporalDir, 'temporal.db') } : {};
      return startTemporal({ dir: temporalDir, say, headless, ...keep });
    }),
    startOne('Redis', env.DRAGONFLY_URL, (say) => startRedis({ dir: join(dir, 'redis'), persist, say })),
    startOne('RabbitMQ', env.RABBITMQ_URL, (say) => startRabbitmq({ dir: join(dir, 'rabbitmq'), say })),
  ] as const;

  const results = await Promise.allSettled(starts);
  const stop = async () => {
    await Promise.all(results.map((result) => (result.status === 'fulfilled' ? result.value?.stop() : undefined)));
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
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
    stop,
  };
}
