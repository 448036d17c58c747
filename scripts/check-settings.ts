/**
 * Validates the worker's settings and connects to nothing: exits with 0, or lists every problem and exits with 1. In
 * containers it runs before the worker, where a worker that can't start would only be restarted again and again.
 *
 *   node scripts/check-settings.ts
 */
import { loadDotEnv, readSettings, SettingsError } from '../src/config/env.ts';
import { readTemporalSettings } from '../src/temporal.ts';

loadDotEnv();
const problems: string[] = [];
for (const read of [readSettings, readTemporalSettings]) {
  try {
    read(process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    problems.push(...error.problems);
  }
}
if (problems.length > 0) {
  process.stderr.write(`${new SettingsError(problems).message}\n`);
  process.exitCode = 1;
}
