import { once } from 'node:events';
import { within } from '../lib/deadline.ts';
import { createLogger } from '../lib/log.ts';
import { COMMAND_CONNECT_MS } from '../poll/limits.ts';
import { connectStore } from '../storage/dragonfly.ts';
import { keyPrefix } from '../storage/keys.ts';
import { type Store, storeOn } from '../storage/store.ts';
import { inOperatorsWords, isOfStore } from '../storage/storeErrors.ts';
import { UnavailableError } from './errors.ts';
import { settingsFor } from './settings.ts';

/** Runs `work` with the store and closes it. @throws UnavailableError, SettingsError */
export async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const { DRAGONFLY_URL: url, INSTANCE: instance } = settingsFor(['DRAGONFLY_URL', 'INSTANCE']);
  const connection = connectStore({ url, logger: createLogger('silent') });
  try {
    await within(COMMAND_CONNECT_MS, once(connection, 'ready'));
    // A server that wants a password is "ready" without one, and refuses the first command.
    await connection.ping();
    return await work(storeOn(connection, keyPrefix(instance)));
  } catch (error) {
    if (!isOfStore(error, connection.status)) throw error;
    throw new UnavailableError(inOperatorsWords(String(url), error as Error), { cause: error });
  } finally {
    connection.disconnect();
  }
}
