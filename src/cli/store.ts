import { ReplyError } from 'ioredis';
import { createLogger } from '../lib/log.ts';
import { COMMAND_CONNECT_MS } from '../poll/limits.ts';
import { connectDragonfly, type Dragonfly } from '../storage/dragonfly.ts';
import { Keys, keyPrefix } from '../storage/keys.ts';
import { compareLists, type ListsDiffer } from '../storage/settingsTargets.ts';
import { isOutOfMemory } from '../storage/storeErrors.ts';
import { Streams } from '../storage/streams.ts';
import { Targets } from '../storage/targets.ts';
import { UnavailableError } from './errors.ts';
import { settingsFor } from './settings.ts';

export interface OpenStore {
  targets: Targets;
  streams: Streams;
  /** How the targets in the settings of the workers that run differ. */
  compareLists(): Promise<ListsDiffer | undefined>;
}

/** Runs `work` with the store and closes it. @throws UnavailableError, SettingsError */
export async function withStore<T>(work: (store: OpenStore) => Promise<T>): Promise<T> {
  const { DRAGONFLY_URL: url, INSTANCE: instance } = settingsFor(['DRAGONFLY_URL', 'INSTANCE']);
  const keys = new Keys(keyPrefix(instance));
  const redis = connectDragonfly({ url, logger: createLogger('silent') });
  try {
    await storeReady(redis, String(url));
    return await work({
      targets: new Targets(redis, keys),
      streams: new Streams(redis, keys),
      compareLists: () => compareLists(redis, keys),
    });
  } catch (error) {
    const ofStore = error instanceof ReplyError || redis.status !== 'ready' || isTimeout(error);
    throw ofStore && !(error instanceof UnavailableError) ? storeUnavailable(String(url), error as Error) : error;
  } finally {
    redis.disconnect();
  }
}

async function storeReady(redis: Dragonfly, shownUrl: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(storeUnavailable(shownUrl, error));
    };
    const timer = setTimeout(
      () => fail(new Error(`no answer within ${COMMAND_CONNECT_MS / 1_000} s`)),
      COMMAND_CONNECT_MS,
    );
    redis.once('error', fail);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  try {
    // A server that wants a password is "ready" without one, and refuses the first command.
    await redis.ping();
  } catch (error) {
    throw storeUnavailable(shownUrl, error as Error);
  }
}

/** ioredis says so in words only (`Command timed out`). */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** What a failed command on the store means to somebody at a terminal. */
export function storeUnavailable(shownUrl: string, error: Error): UnavailableError {
  if (isOutOfMemory(error)) {
    return new UnavailableError(
      `the store at ${shownUrl} (DRAGONFLY_URL) is full: give it more memory (--maxmemory), then run the command again; ` +
        'what it had written by then is kept',
      { cause: error },
    );
  }
  const refused = /NOAUTH|WRONGPASS|AUTH|NOPERM/.test(error.message);
  return new UnavailableError(
    refused
      ? `the store at ${shownUrl} refused the user name or password in DRAGONFLY_URL: ${error.message}`
      : `the store does not answer at ${shownUrl} (DRAGONFLY_URL): ${error.message}. Is Dragonfly (or Redis) running there?`,
    { cause: error },
  );
}
