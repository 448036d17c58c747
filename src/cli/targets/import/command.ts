import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { SingleBar } from 'cli-progress';
import { count, counted, printable } from '../../../lib/words.ts';
import type { TargetKind } from '../../../poll/model.ts';
import { CommandError, EXIT } from '../../errors.ts';
import type { Output } from '../../output.ts';
import { withStore } from '../../store.ts';
import { LookUp } from '../lookUp.ts';
import { type ImportOptions, type ImportProgress, TargetImport } from './targetImport.ts';

export interface ImportCommandOptions {
  kind?: TargetKind;
  dryRun?: boolean;
  skipBad?: boolean;
}

/** `targets import`: adds the targets of a file or of standard input. */
export async function importCommand(output: Output, file: string, options: ImportCommandOptions): Promise<number> {
  const { input, size } = openInput(file);
  const interrupt = new AbortController();
  const onInterrupt = () => {
    interrupt.abort();
    input.destroy();
  };
  process.once('SIGINT', onInterrupt);
  const display = showProgress(size);
  const lookUp = new LookUp();
  const run = async (store?: ImportOptions['store']) => {
    const { kind } = options;
    const running = new TargetImport({ input, kind, store, onProgress: display.update, signal: interrupt.signal });
    try {
      return await running.run();
    } catch (error) {
      display.stop();
      const { lines, added } = running.progress;
      output.note(
        `stopped in line ${count(lines)}; ${addedWords(added)} until then. It is safe to run the import again.`,
      );
      throw error;
    }
  };
  try {
    const progress = await (options.dryRun ? run() : withStore(({ targets }) => run({ targets, lookUp })));
    display.stop();
    return report(output, progress, options, interrupt.signal.aborted);
  } finally {
    process.off('SIGINT', onInterrupt);
    display.stop();
    input.destroy();
    await lookUp.close();
  }
}

function openInput(file: string): { input: Readable; size: number | undefined } {
  if (file === '-') {
    if (process.stdin.isTTY) process.stderr.write('Reading targets from the terminal; Ctrl-D ends them.\n');
    return { input: process.stdin, size: undefined };
  }
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) throw new CommandError(`${file} is a folder; name a file, or - for standard input`);
    return {
      input: createReadStream(file, { highWaterMark: 256 * 1024 }),
      size: stats.isFile() ? stats.size : undefined,
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(`there is no file ${file}`, { cause: error });
  }
}

const LINE_EVERY_MS = 5_000;

function showProgress(size: number | undefined): { update(progress: ImportProgress): void; stop(): void } {
  const words = ({ lines, added }: ImportProgress) =>
    `${counted(lines, 'line')}, ${count(added.user + added.game)} added`;
  if (process.stderr.isTTY && size) {
    const bar = new SingleBar({ format: '{bar} {percentage}% {words}', clearOnComplete: true, stream: process.stderr });
    bar.start(size, 0, { words: '' });
    return { update: (progress) => bar.update(progress.bytes, { words: words(progress) }), stop: () => bar.stop() };
  }
  let shownAt = Date.now();
  return {
    update(progress) {
      if (Date.now() - shownAt < LINE_EVERY_MS) return;
      shownAt = Date.now();
      const share = size ? ` (${Math.floor((100 * progress.bytes) / size)} %)` : '';
      process.stderr.write(`${words(progress)}${share}\n`);
    },
    stop() {},
  };
}

function addedWords(added: Record<TargetKind, number>): string {
  return `${counted(added.user, 'user')} and ${counted(added.game, 'game')} added`;
}

function report(
  output: Output,
  progress: ImportProgress,
  { dryRun = false, skipBad = false }: ImportCommandOptions,
  interrupted: boolean,
): number {
  const { lines, good, added, bad, badCount } = progress;
  for (const { line, text, expected } of bad.toSorted((a, b) => a.line - b.line)) {
    output.note(`line ${line}: "${printable(text)}": expected ${expected}`);
  }
  if (badCount > bad.length) output.note(`… and ${counted(badCount - bad.length, 'more bad line')}`);
  if (interrupted) output.note('Interrupted. It is safe to run the import again: it adds what is missing.');

  const known = good.user + good.game - added.user - added.game;
  const words = dryRun
    ? `${counted(lines, 'line')}: ${counted(good.user, 'user')} and ${counted(good.game, 'game')}, ` +
      `${counted(badCount, 'bad line')}. Nothing was stored (--dry-run).`
    : `${counted(lines, 'line')}: ${addedWords(added)}, ${count(known)} already there or repeated, ` +
      `${counted(badCount, 'bad line')}.`;
  output.answer(words, {
    lines,
    good,
    added,
    alreadyThere: dryRun ? undefined : known,
    badCount,
    bad,
    dryRun,
    interrupted,
  });
  return interrupted || (badCount > 0 && !skipBad) ? EXIT.failed : EXIT.ok;
}
