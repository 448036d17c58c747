import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addVhost, deleteVhosts, startRabbitmq } from '../../sandbox/services/rabbitmq.ts';
import { startRedis } from '../../sandbox/services/redis.ts';
import { startTemporal } from '../../sandbox/services/temporal.ts';
import { findTemporalCli } from '../../sandbox/services/temporal-cli.ts';
import { temporaryFolder } from './program.ts';

/** Where the Temporal server for tests is, and the CLI that goes with it. */
export interface TestTemporal {
  address: string;
  namespace: string;
  /** Path of the `temporal` program. */
  cli: string;
}

export interface TestRedis {
  url: string;
}

export interface TestRabbitmq {
  url: string;
  /** The node's folder, for `rabbitmqctl(dir, …)`; undefined when the broker is not a local one. */
  dir: string | undefined;
}

const undo: (() => Promise<unknown>)[] = [];

/** Stops what was started here; in a test file that happens by itself. */
export async function stopServices(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

// Registered while the file is loaded: within a test it would belong to that test.
after(stopServices);

/** Runs `make` at the first call and gives its result at every call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The shared Temporal dev server; one for this file alone when it is run by itself. Use a task queue of your own. */
export const temporal: () => Promise<TestTemporal> = once(async () => {
  const { TEST_TEMPORAL_ADDRESS: address, TEST_TEMPORAL_CLI: cli } = process.env;
  if (address) return { address, namespace: 'default', cli: cli || (await findTemporalCli()) };
  const own = await startTemporal({ dir: temporaryFolder(), headless: true });
  undo.push(() => own.stop());
  return own;
});

/** The shared Redis; one for this file alone when it is run by itself. Use a {@link randomPrefix}. */
export const redis: () => Promise<TestRedis> = once(async () => {
  const url = process.env.TEST_REDIS_URL;
  if (url) return { url };
  const own = await startRedis({ dir: temporaryFolder() });
  undo.push(() => own.stop());
  return own;
});

/** The shared RabbitMQ; one for this file alone when it is run by itself. Use a {@link freshVhost}. */
export const rabbitmq: () => Promise<TestRabbitmq> = once(async () => {
  const { TEST_RABBITMQ_URL: url, TEST_RABBITMQ_DIR: dir } = process.env;
  if (url) return { url, dir };
  const own = await startRabbitmq({ dir: temporaryFolder() });
  undo.push(() => own.stop());
  return own;
});

const vhosts: string[] = [];

/** The URL of a new virtual host for this test alone; deleted when the file has run. */
export async function freshVhost(): Promise<string> {
  const { url, dir } = await rabbitmq();
  if (!dir) throw new Error('virtual hosts can only be made on a local node: unset TEST_RABBITMQ_URL');
  if (vhosts.length === 0) undo.push(() => deleteVhosts(dir, vhosts));
  const name = randomPrefix();
  vhosts.push(name);
  return addVhost(dir, url, name);
}

/** A short text that no other test has: for keys, task queues, workflow ids. */
export function randomPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

export interface EventuallyOptions {
  /** Default: 10 s. */
  timeoutMs?: number;
  /** Default: 25 ms. */
  intervalMs?: number;
  /** What was waited for, for the error message. */
  message?: string;
}

/**
 * Calls `check` until it holds, and returns what it returned: tests wait for what they need and for no longer. It holds
 * when it does not throw and returns something truthy, or nothing at all (as one that only asserts does).
 *
 * @throws after the timeout, with the last error as its cause
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 25, message = 'the condition' } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const result = await check();
      if (result || result === undefined) return result;
      failure = new Error(`last result: ${String(result)}`);
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) {
      const last = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`${message}: not within ${timeoutMs} ms (${last})`, { cause: failure });
    }
    await sleep(intervalMs);
  }
}
