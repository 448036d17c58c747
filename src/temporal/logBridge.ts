import { DefaultLogger, type LogEntry, type LogLevel, type LogMetadata, Runtime } from '@temporalio/worker';
import type { Logger } from '../lib/log.ts';

/** A message of Temporal's core that is repeated within this time is only counted: pollers retry several times a second. */
const REPEAT_MS = 30_000;

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Prepares Temporal's runtime: to be called once, before the first connection. All that the SDK, workflows, activities and
 * the native core log goes to `logger`, and signals are left to the caller, who has more to stop than workers.
 */
export function installRuntime(logger: Logger): void {
  const bridge = bridgeTo(logger.child({ component: 'temporal' }));
  Runtime.install({
    logger: new DefaultLogger('TRACE', bridge),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  });
}

/** Writes Temporal's log entries as ours: `runId` under one name, errors as pino shows them, no task tokens. */
export function bridgeTo(logger: Logger, now = () => performance.now()): (entry: LogEntry) => void {
  const repeats = new Map<string, { untilMs: number; count: number }>();

  return ({ level, message, meta = {} }) => {
    const method = isRoutine(level, message, meta) ? 'debug' : LEVELS[level];
    if (!logger.isLevelEnabled(method)) return;
    // A task token would let its reader answer for the activity.
    const { taskToken: _, workflowRunId, runId = workflowRunId, error, ...fields } = meta;
    let repeated = 0;
    if (meta.sdkComponent === 'core') {
      // "retried 7 times" and "retried 8 times" are the same news.
      const key = `${level} ${message.replace(/\d+/g, '#')}`;
      const known = repeats.get(key);
      if (known && now() < known.untilMs) {
        known.count += 1;
        return;
      }
      repeated = known?.count ?? 0;
      // Messages with changing text would fill the map for ever.
      if (repeats.size > 100) repeats.clear();
      repeats.set(key, { untilMs: now() + REPEAT_MS, count: 0 });
    }
    logger[method](
      {
        ...fields,
        ...(runId !== undefined && { runId }),
        ...(error instanceof Error ? { err: error } : error !== undefined && { error }),
        ...(repeated > 0 && { repeated }),
      },
      message,
    );
  };
}

/** What every worker says at every start and stop, the bundler's statistics included; this process says it itself. */
function isRoutine(level: LogLevel, message: string, meta: LogMetadata): boolean {
  if (meta.sdkComponent !== 'worker') return false;
  return level === 'INFO' || message.startsWith('No workflows registered');
}
