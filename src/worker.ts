import { loadDotEnv, readSettings, SettingsError } from './config/env.ts';
import { createLogger } from './log.ts';
import { readTemporalSettings } from './temporal.ts';
import { runProcess } from './worker/process.ts';
import { exitOnUncaught, stopOnSignals } from './worker/stop.ts';

/** Reads both kinds of settings, so that the problems of both are told at once. */
function readAll(env: NodeJS.ProcessEnv) {
  const problems: string[] = [];
  const collect = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const settings = collect(() => readSettings(env));
  const temporal = collect(() => readTemporalSettings(env));
  if (!settings || !temporal) throw new SettingsError(problems);
  return { settings, temporal };
}

try {
  loadDotEnv();
  const { settings, temporal } = readAll(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  exitOnUncaught(logger);
  const stop = stopOnSignals(logger);
  // Made when an image is built; a working copy bundles its workflows at the start.
  const workflowBundle = process.env.WORKFLOW_BUNDLE || undefined;
  // Ends the process even if a library still holds something open: by now everything of ours is closed.
  process.exit(await runProcess({ settings, temporal, workflowBundle, logger, stop }));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
