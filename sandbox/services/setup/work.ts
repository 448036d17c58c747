import { homedir } from 'node:os';
import { join } from 'node:path';
import { runInBackground } from '../../../scripts/background.mjs';
import { duration } from '../../../src/lib/words.ts';

export interface SetUpOptions {
  /** Told in words what is going on, several times a second. */
  say?: (text: string) => void;
  /** Ends the waiting; what has been begun goes on. */
  signal?: AbortSignal | undefined;
}

/** Reads the output of a work line by line, and knows in words how far it has come. */
export interface Narrator {
  line(text: string): void;
  text(): string;
}

/** Where what was fetched or built is kept for all checkouts of this user. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'stream-poller');
}

/**
 * Has `setup/main.ts` do something in the background, and waits for it. It goes on when this process ends, and a later
 * one joins it.
 *
 * @param name what it is, in words
 * @param lock works with the same one are done one after the other
 * @throws with the last lines of its log when it ended without success, or when `signal` ends the waiting
 */
export async function setUp(
  work: { name: string; lock: string; args: string[]; isDone: () => boolean; narrator: Narrator },
  { say = () => {}, signal }: SetUpOptions,
): Promise<void> {
  const { name, lock, args, isDone, narrator } = work;
  await runInBackground({
    name,
    file: join(cacheDir(), 'setup', lock),
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts'), ...args],
    isDone,
    onLine: (line) => narrator.line(line),
    onTick: (elapsedMs) => say(`${narrator.text()}${elapsedMs < 1_000 ? '' : ` (${inSeconds(elapsedMs)} so far)`}`),
    ...(signal ? { signal } : {}),
  });
  say('');
}

function inSeconds(ms: number): string {
  return duration(Math.floor(ms / 1_000) * 1_000);
}
