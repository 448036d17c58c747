import { loadDotEnv, SettingsError } from './config/env.ts';
import { createLogger } from './lib/log.ts';
import { openLog } from './lib/logLines.ts';
import { runProcess } from './worker/process.ts';
import { readWorkerSettings } from './worker/settings.ts';
import { exitOnUncaught, stopOnSignals } from './worker/stop.ts';

try {
  loadDotEnv();
  const { settings, temporal } = readWorkerSettings(process.env);
  const logger = createLogger(settings.LOG_LEVEL, {
    to: await openLog(settings.LOG_FORMAT),
    // What is wrong with every poll is over when some went by without it.
    quietMs: Math.max(2 * 60_000, 3 * settings.POLL_INTERVAL_SECONDS * 1_000),
  });
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
