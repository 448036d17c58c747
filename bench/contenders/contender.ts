import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../lib/remote.ts';

/** What a contender's process serves. */
export interface Contender {
  /** Ends the polls. Returns when it had each stream in hand, in Unix milliseconds: first sight by stream id. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** In a contender's process: polls at every full interval, as the schedule does, until it is told to stop. */
export async function pollUntilStopped(
  intervalMs: number,
  poll: (found: (streamId: string) => void) => Promise<void>,
): Promise<void> {
  const ended = Promise.withResolvers<ReadonlyMap<string, number>>();
  let stopping = false;
  serve({
    stop: () => {
      stopping = true;
      return ended.promise;
    },
  });
  const found = new Map<string, number>();
  while (!stopping) {
    await sleep(intervalMs - (Date.now() % intervalMs));
    await poll((id) => {
      if (!found.has(id)) found.set(id, Date.now());
    });
  }
  ended.resolve(found);
}

/** A variable that the starting process has set. */
export function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
