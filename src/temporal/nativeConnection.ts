import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { TEMPORAL_CONNECT_MS, TEMPORAL_RECONNECT } from '../poll/limits.ts';
import { openConnection, type TemporalSettings, TemporalUnavailableError } from './connection.ts';

/**
 * Connects a worker to Temporal, however long it takes until the server is there and knows the namespace: in a fresh
 * deployment it may come up minutes later. Says what it waits for.
 *
 * @throws the signal's reason when it is aborted
 */
export async function connectNative(
  settings: TemporalSettings,
  options: {
    logger: Logger;
    signal: AbortSignal;
    onWait?: (reason: string) => void;
    /** What has to be done before each attempt. */
    prepare?: () => Promise<void>;
  },
): Promise<NativeConnection> {
  const { logger, signal, onWait, prepare } = options;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await prepare?.();
      const connecting = NativeConnection.connect(settings.connectionOptions);
      const connection = await openConnection(settings, connecting, TEMPORAL_CONNECT_MS, signal);
      const { address, namespace } = settings;
      logger.info({ address, namespace }, 'connected to Temporal');
      return connection;
    } catch (error) {
      if (signal.aborted || !(error instanceof TemporalUnavailableError)) throw error;
      onWait?.(error.message);
      logger.warn(`${error.message}; trying again until it works`);
    }
    await sleep(backoffMs(attempt, TEMPORAL_RECONNECT), undefined, { signal });
  }
}
