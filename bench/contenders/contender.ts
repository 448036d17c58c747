import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a contender tells at its end. */
export interface ContenderReport {
  polls: number;
  /** When it had each stream in hand, in Unix milliseconds: first sight by stream id. */
  found: [streamId: string, atMs: number][];
}

/** Starts a contender's file as a process; it polls until it is stopped, and then reports. */
export function startContender(file: string, env: NodeJS.ProcessEnv): { stop(): Promise<ContenderReport> } {
  const child = fork(join(import.meta.dirname, file), { env });
  const report = Promise.withResolvers<ContenderReport>();
  child.on('message', (message) => report.resolve(message as ContenderReport));
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended by itself with code ${code}`);
  });
  died.catch(() => undefined);
  return {
    async stop() {
      child.send('stop');
      try {
        return await Promise.race([report.promise, died]);
      } finally {
        child.kill('SIGKILL');
      }
    },
  };
}

/** In a contender's process: polls at every full interval, as the schedule does, and reports when told to stop. */
export async function pollUntilStopped(
  intervalMs: number,
  poll: (found: (streamId: string) => void) => Promise<void>,
): Promise<void> {
  let stopping = false;
  process.on('message', () => {
    stopping = true;
  });
  process.on('disconnect', () => process.exit(1));
  const found = new Map<string, number>();
  let polls = 0;
  while (!stopping) {
    await sleep(intervalMs - (Date.now() % intervalMs));
    await poll((id) => {
      if (!found.has(id)) found.set(id, Date.now());
    });
    polls += 1;
  }
  const report: ContenderReport = { polls, found: [...found] };
  // Not before it is sent.
  await new Promise((resolve) => process.send?.(report, resolve));
}

/** A variable that the starting process has set. */
export function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
