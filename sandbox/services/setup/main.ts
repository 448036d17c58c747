/**
 * Does one piece of set-up work to its end, in the background: `main.ts temporal <folder>` fetches or builds the Temporal
 * CLI into the folder, `main.ts apt <package>` installs a Debian package. Lines that begin with MARK tell what begins.
 */
import { constants, setPriority } from 'node:os';
import { installPackage } from './apt.ts';
import { fetchTemporal } from './fetchTemporal.ts';

const [kind, subject = ''] = process.argv.slice(2);
// Services that are there already come up meanwhile.
setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
try {
  if (kind === 'temporal') await fetchTemporal(subject);
  else if (kind === 'apt') await installPackage(subject);
  else throw new Error(`unknown work: ${kind}`);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
