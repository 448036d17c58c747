import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from './process.ts';
import { MARK } from './setup/children.ts';
import { cacheDir, type Narrator, type SetUpOptions, setUp } from './setup/work.ts';

/** How many packages Go compiles when it has none in its cache, about: counted once, with Go 1.26. */
const PACKAGES = 1_300;
const MAIN_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

/** Where a `temporal` program that we fetched is kept for all checkouts of this user. */
export function temporalCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDir(env), 'bin');
}

/**
 * Finds the `temporal` program: on PATH; fetched by an earlier run; else it is fetched now, by the SDK's own download or,
 * where that is out of reach, built by Go.
 *
 * @throws saying what to install when none of this works
 */
export async function findTemporalCli(options: SetUpOptions = {}): Promise<string> {
  const onPath = findCommand('temporal');
  if (onPath) return onPath;
  const dir = temporalCacheDir();
  const cached = join(dir, 'temporal');
  const isDone = () => existsSync(cached);
  if (isDone()) return cached;

  const work = { name: 'fetching the Temporal CLI', lock: 'temporal', args: ['temporal', dir], isDone };
  try {
    await setUp({ ...work, narrator: new TemporalNarrator() }, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error(
      `the Temporal CLI is missing, and ${(error as Error).message}\n` +
        'Install it (https://docs.temporal.io/cli: brew install temporal, or an archive whose "temporal" goes on PATH), ' +
        'or install Go 1.24 or newer and start again, or set TEMPORAL_ADDRESS to a server that runs.',
    );
  }
  return cached;
}

/** Tells from the output of the download, or of `go install -v`, how far the Temporal CLI is. */
export class TemporalNarrator implements Narrator {
  #phase = 'downloading the Temporal CLI';
  #detail = '';
  #building = false;
  #modules = 0;
  #packages = 0;

  line(text: string): void {
    if (text === `${MARK}downloading`) {
      this.#phase = 'downloading the Temporal CLI';
      this.#detail = '';
      this.#building = false;
    } else if (text === `${MARK}building`) {
      this.#phase = 'building the Temporal CLI with Go';
      this.#detail = '';
      this.#building = true;
      this.#modules = 0;
      this.#packages = 0;
    } else if (!this.#building && text.startsWith(MARK)) {
      this.#detail = `: ${text.slice(MARK.length)}`;
    } else if (text.startsWith('go: downloading ')) {
      this.#detail = `: ${++this.#modules} modules downloaded`;
    } else if (text === MAIN_PACKAGE) {
      this.#detail = `: ${this.#packages} packages compiled, linking`;
    } else if (this.#building && /^[\w.~-]+(\/[\w.~-]+)*$/.test(text)) {
      this.#detail = `: ${++this.#packages} of about ${PACKAGES} packages compiled`;
    }
  }

  text(): string {
    return this.#phase + this.#detail;
  }
}
