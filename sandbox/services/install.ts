import { findCommand } from './process.ts';
import { MARK } from './setup/children.ts';
import { type SetUpOptions, setUp } from './setup/work.ts';

const MOST_SHOWN = 60;

/**
 * Finds a program, installing its Debian package when it is missing and we have the right to.
 *
 * @throws with `advice` when it is still missing
 */
export async function findOrInstall<T>(
  find: () => T | undefined,
  { packageName, advice }: { packageName: string; advice: string },
  options: SetUpOptions,
): Promise<T> {
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && findCommand('apt-get') !== undefined;
  if (!find() && mayInstall) await aptInstall(packageName, () => find() !== undefined, options);
  const found = find();
  if (found === undefined) throw new Error(advice);
  return found;
}

/**
 * Installs a Debian package, in the background: the package manager must not be stopped half-way. One at a time, since it
 * has one lock.
 *
 * @param isDone whether the package's program can be found
 */
async function aptInstall(packageName: string, isDone: () => boolean, options: SetUpOptions): Promise<void> {
  let step = packageName;
  let last = '';
  const narrator = {
    line(text: string) {
      if (text.startsWith(MARK)) [step, last] = [text.slice(MARK.length), ''];
      else if (text.trim() !== '') last = `: ${text.trim().slice(0, MOST_SHOWN)}`;
    },
    text: () => `installing Debian's ${step}${last}`,
  };
  const work = { name: `installing Debian's ${packageName}`, lock: 'apt', args: ['apt', packageName] };
  await setUp({ ...work, isDone, narrator }, options);
}
