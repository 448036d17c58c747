import type { Client, Connection } from '@temporalio/client';
import type { Settings } from '../config/env.ts';
import { createLogger } from '../log.ts';
import { connectDragonfly, type Dragonfly } from '../storage/dragonfly.ts';
import { Streams } from '../storage/streams.ts';
import { Targets } from '../storage/targets.ts';
import { connectClient, readTemporalSettings, type TemporalSettings } from '../temporal.ts';
import { TwitchClient } from '../twitch/client.ts';
import { UnavailableError } from './errors.ts';
import { settingsFor } from './settings.ts';

/** How long a command waits for any one service. */
const CONNECT_TIMEOUT_MS = 5_000;

/** What went wrong is in the errors that commands print; log lines would mix with their output. */
const silent = createLogger('silent');

/** Runs `work` with a Temporal client and closes it. @throws TemporalUnavailableError, SettingsError */
export async function withTemporal<T>(work: (client: Client, settings: TemporalSettings) => Promise<T>): Promise<T> {
  const settings = readTemporalSettings(process.env);
  const { client, connection }: { client: Client; connection: Connection } = await connectClient(
    settings,
    CONNECT_TIMEOUT_MS,
  );
  try {
    return await work(client, settings);
  } finally {
    await connection.close();
  }
}

/** Runs `work` with the store and closes it. @throws UnavailableError, SettingsError */
export async function withStore<T>(work: (store: { targets: Targets; streams: Streams }) => Promise<T>): Promise<T> {
  const { DRAGONFLY_URL: url } = settingsFor(['DRAGONFLY_URL']);
  const redis = connectDragonfly({ url, logger: silent });
  try {
    await storeReady(redis, String(url));
    return await work({ targets: new Targets(redis), streams: new Streams(redis) });
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
      () => fail(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1_000} s`)),
      CONNECT_TIMEOUT_MS,
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

function storeUnavailable(shownUrl: string, error: Error): UnavailableError {
  const refused = /NOAUTH|WRONGPASS|AUTH|NOPERM/.test(error.message);
  return new UnavailableError(
    refused
      ? `the store at ${shownUrl} refused the user name or password in DRAGONFLY_URL: ${error.message}`
      : `the store does not answer at ${shownUrl} (DRAGONFLY_URL): ${error.message}. Is Dragonfly (or Redis) running there?`,
    { cause: error },
  );
}

const TWITCH_SETTINGS = [
  'TWITCH_CLIENT_ID',
  'TWITCH_CLIENT_SECRET',
  'TWITCH_API_URL',
  'TWITCH_AUTH_URL',
] as const satisfies (keyof Settings)[];

/**
 * A Twitch client that reads its settings when it is first asked for, so that commands which turn out not to need Twitch
 * work without them. Close it when done.
 */
export class LazyTwitch {
  #client: TwitchClient | undefined;

  /** @throws SettingsError */
  get(): TwitchClient {
    if (this.#client) return this.#client;
    const settings = settingsFor(TWITCH_SETTINGS);
    this.#client = new TwitchClient({
      clientId: settings.TWITCH_CLIENT_ID,
      clientSecret: settings.TWITCH_CLIENT_SECRET,
      apiUrl: settings.TWITCH_API_URL,
      authUrl: settings.TWITCH_AUTH_URL,
      validateTtlSeconds: 3_600,
      logger: silent,
      http: { connectTimeoutMs: CONNECT_TIMEOUT_MS },
    });
    return this.#client;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}
