import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines } from '../../scripts/background.mjs';
import { untilReady } from '../services/ports.ts';
import { logFile, reapStale, startProcess } from '../services/process.ts';

/** The poll comes with the schedule, which is applied when everything else is ready. */
const LATER_CHECKS = ['polls'];
/** Counts from when its services are up; before that it waits for as long as that takes. */
const READY_WITHIN_MS = 90_000;

export interface WorkerOptions {
  root: string;
  /** Holds its log, `worker.log`. */
  dir: string;
  /** The whole environment. */
  env: NodeJS.ProcessEnv;
  /** Its `/readyz`. */
  healthUrl: string;
}

/** The worker process of a local run. */
export interface LocalWorker {
  readonly pid: number;
  readonly log: string;
  /** Rejects when it ends before {@link stop} or {@link kill}, with the last lines of its log. */
  readonly died: Promise<never>;
  /**
   * Resolves when it is ready but for its first poll: to be called when its services are up.
   *
   * @throws with what is missing when that takes too long from now on
   */
  ready(): Promise<void>;
  /** Lets it finish what is in hand. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts `src/worker.ts` as a process of its own, as in production. It waits for its services by itself. */
export async function startWorker({ root, dir, env, healthUrl }: WorkerOptions): Promise<LocalWorker> {
  await reapStale(dir, 'worker');
  const log = logFile(dir, 'worker');
  rmSync(log, { force: true });
  const args = [join(root, 'src', 'worker.ts')];
  const child = await startProcess({ name: 'worker', dir, command: process.execPath, args, env, cwd: root });
  let stopping = false;
  const died = child.exited.then((): Promise<never> => {
    if (stopping) return new Promise(() => {});
    throw new Error(`the worker ended; the last lines of ${log}:\n${lastLines(log)}`);
  });
  // It may die before anybody waits for it.
  died.catch(() => {});

  let missing = 'it does not answer';
  const isReady = async () => {
    const checks = await readinessOf(healthUrl);
    if (!checks) return false;
    const failing = Object.entries(checks).filter(([name, { ok }]) => !ok && !LATER_CHECKS.includes(name));
    missing = failing.map(([name, { detail }]) => `${name}: ${detail}`).join('; ');
    return failing.length === 0;
  };

  return {
    pid: child.pid,
    log,
    died,
    async ready() {
      const wait = untilReady(isReady, { what: 'the worker', timeoutMs: READY_WITHIN_MS, intervalMs: 200 });
      const explained = wait.catch((error: Error) => {
        throw new Error(`${error.message} (${missing}); its log: ${log}`);
      });
      await Promise.race([explained, died]);
    },
    async stop() {
      stopping = true;
      await child.stop();
    },
    async kill() {
      stopping = true;
      await child.kill();
    },
  };
}

type Checks = Record<string, { ok: boolean; detail: string }>;

async function readinessOf(healthUrl: string): Promise<Checks | undefined> {
  try {
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(5_000) });
    return ((await response.json()) as { checks: Checks }).checks;
  } catch {
    // Not listening yet, or busy with its start: the caller asks again.
    return undefined;
  }
}
