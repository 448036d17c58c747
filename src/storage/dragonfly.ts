import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { Secret } from '../config/secret.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { STORE_COMMAND_MS, STORE_CONNECT_MS, STORE_RECONNECT } from '../poll/limits.ts';
import { type CommandOutcome, observeCommands } from './observeCommands.ts';

/** The text of a script; what it shares with another stands in a file that both include. */
function lua(name: string): string {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return text.replace(/^-- include (\w+)\.lua$/m, (_, part) => lua(part));
}

/** The scripts, and how many of their leading arguments are keys where that is always the same. */
export const scripts: Record<string, { lua: string; numberOfKeys?: number }> = {
  openPoll: { lua: lua('openPoll'), numberOfKeys: 1 },
  addTargets: { lua: lua('addTargets'), numberOfKeys: 5 },
  coolTargets: { lua: lua('coolTargets'), numberOfKeys: 2 },
  removeTargets: { lua: lua('removeTargets'), numberOfKeys: 8 },
  // The caller names the number of keys first: one mark for each stream.
  diffStreams: { lua: lua('diffStreams') },
  renewClaims: { lua: lua('renewClaims') },
  noteSeries: { lua: lua('noteSeries') },
  holdAlerts: { lua: lua('holdAlerts'), numberOfKeys: 2 },
};

type Argument = string | number;

/** A connection with the project's scripts as commands. */
export type StoreConnection = Redis & {
  openPoll(meta: string, ...args: Argument[]): Promise<[lost: number, number: number]>;
  addTargets(...keysAndArgs: Argument[]): Promise<number>;
  coolTargets(hot: string, hotUntil: string, nowMs: number, most: number): Promise<number>;
  removeTargets(...keysAndArgs: Argument[]): Promise<number>;
  diffStreams(
    numberOfKeys: number,
    ...keysAndArgs: Argument[]
  ): Promise<
    | ['LOST']
    | ['OK', handled: number, silent: number, ended: number, live: number, claimed: Argument[], version: number]
  >;
  renewClaims(numberOfKeys: number, ...keysAndArgs: Argument[]): Promise<number[]>;
  noteSeries(numberOfKeys: number, ...keysAndArgs: Argument[]): Promise<number>;
  holdAlerts(lease: string, troubles: string, ...args: Argument[]): Promise<[holder: string, troubles: string]>;
};

export interface StoreOptions {
  url: Secret;
  logger: Logger;
  /** A command without an answer fails after this; it may have been carried out. */
  commandTimeoutMs?: number;
  /** Other texts of the scripts: tests let them fail half-way. */
  scripts?: typeof scripts;
  /** Told of each command that has ended. What it throws is ignored. */
  onCommand?: (outcome: CommandOutcome) => void;
}

/**
 * Connects to Dragonfly, Valkey or Redis in the background and keeps reconnecting. Commands fail at once while there is
 * no connection, and after a bounded time while there is no answer: Temporal retries the activity, which is why every
 * script is safe to run twice (ioredis resends what was in flight when a connection broke).
 */
export function connectStore(options: StoreOptions): StoreConnection {
  const { url, logger, commandTimeoutMs = STORE_COMMAND_MS } = options;
  const connection = new Redis(url.reveal(), {
    // RESP3 is ioredis 6's default; Dragonfly 1.40 broke its handshake (dragonfly#8006).
    protocol: 2,
    connectTimeout: STORE_CONNECT_MS,
    commandTimeout: commandTimeoutMs,
    socketTimeout: 2 * commandTimeoutMs,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => backoffMs(attempt, STORE_RECONNECT),
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    scripts: options.scripts ?? scripts,
  });
  if (options.onCommand) observeCommands(connection, options.scripts ?? scripts, options.onCommand);
  connection.on('error', ({ message: error }: Error) => {
    const what = 'no connection to the store (DRAGONFLY_URL): bring it back; polls go on then by themselves';
    logger.warn({ store: String(url), error }, what);
  });
  connection.on('ready', () => {
    logger.info({ store: String(url), back: 'store' }, 'connected to the store');
  });
  return connection as StoreConnection;
}

/** Waits until the connection is ready, or for `timeoutMs`: the first commands then fail and are retried. */
export async function waitUntilReady(connection: StoreConnection, timeoutMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  // Rejected by each attempt to connect that fails, and by the signal.
  while (connection.status !== 'ready' && !signal.aborted) await once(connection, 'ready', { signal }).catch(() => {});
  return connection.status === 'ready';
}
