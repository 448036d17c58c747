/**
 * Validates the worker's settings and connects to nothing: exits with 0, or lists every problem and exits with 1. In
 * containers it runs before the worker, where a worker that can't start would only be restarted again and again.
 *
 *   node scripts/check-settings.ts
 */
import { loadDotEnv, SettingsError } from '../src/config/env.ts';
import { readWorkerSettings } from '../src/worker/settings.ts';

loadDotEnv();
try {
  readWorkerSettings(process.env);
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
