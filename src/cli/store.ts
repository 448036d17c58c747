import { once } from 'node:events';
import { ReplyError } from 'ioredis';
import { createLogger } from '../lib/log.ts';
import { COMMAND_CONNECT_MS } from '../poll/limits.ts';
import { connectStore } from '../storage/dragonfly.ts';
import { keyPrefix } from '../storage/keys.ts';
import { type Store, storeOn } from '../storage/store.ts';
import { inOperatorsWords } from '../storage/storeErrors.ts';
import { UnavailableError } from './errors.ts';
import { settingsFor } from './settings.ts';

/** Runs `work` with the store and closes it. @throws UnavailableError, SettingsError */
export async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const { DRAGONFLY_URL: url, INSTANCE: instance } = settingsFor(['DRAGONFLY_URL', 'INSTANCE']);
  const connection = connectStore({ url, logger: createLogger('silent') });
  const signal = AbortSignal.timeout(COMMAND_CONNECT_MS);
  try {
    await once(connection, 'ready', { signal });
    // A server that wants a password is "ready" without one, and refuses the first command.
    await connection.ping();
    return await work(storeOn(connection, keyPrefix(instance)));
  } catch (error) {
    const ofStore = error instanceof ReplyError || connection.status !== 'ready' || isTimeout(error);
    if (!ofStore) throw error;
    const mute = (error as Error).name === 'AbortError';
    const cause = mute ? new Error(`no answer within ${COMMAND_CONNECT_MS / 1_000} s`) : (error as Error);
    throw new UnavailableError(inOperatorsWords(String(url), cause), { cause });
  } finally {
    connection.disconnect();
  }
}

/** ioredis says so in words only (`Command timed out`). */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
