import type { LogEntry, LogLevel, LogMetadata } from '@temporalio/worker';
import type { Logger } from '../lib/log.ts';

/** An activity that has failed less often may just ride out a short failure: its next attempt is the remedy. */
const ATTEMPTS_WORTH_A_WARNING = 3;

/** The SDK's words for an attempt that failed. */
const ACTIVITY_FAILED = 'Activity failed';
/** What its core says while the server is away. */
const SERVER_AWAY = /^gRPC call \w+ retried|^Network error/;

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Writes Temporal's log entries as ours: `runId` under one name, errors as pino shows them, no task tokens. */
export function bridgeTo(logger: Logger): (entry: LogEntry) => void {
  return ({ level, message, meta = {} }) => {
    const method = isRoutine(level, message, meta) ? 'debug' : LEVELS[level];
    if (!logger.isLevelEnabled(method)) return;
    // A task token would let its reader answer for the activity.
    const { taskToken: _, workflowRunId, runId = workflowRunId, error, ...fields } = meta;
    const words = inOurWords(message, meta);
    logger[method](
      {
        ...fields,
        ...(runId !== undefined && { runId }),
        ...(error instanceof Error ? { err: error } : error !== undefined && { error }),
        ...(words.reason !== undefined && { reason: words.reason }),
      },
      words.message,
    );
  };
}

/** A warning of Temporal's with what to do about it. What its core says in many ways while the server is away is one trouble. */
function inOurWords(message: string, { sdkComponent }: LogMetadata): { message: string; reason?: string } {
  if (message === ACTIVITY_FAILED) {
    return {
      message: `${message}, and is tried again: its error says why; npm run client -- status tells whether polls wait for it`,
    };
  }
  if (sdkComponent === 'core' && SERVER_AWAY.test(message)) {
    return {
      message: 'Temporal does not answer (TEMPORAL_ADDRESS): bring it back; polls go on where they were',
      reason: message,
    };
  }
  return { message };
}

/**
 * What needs nobody: attempts that the next one makes up for, and what every worker says at every start and stop, the
 * bundler's statistics included; this process says it itself.
 */
function isRoutine(level: LogLevel, message: string, meta: LogMetadata): boolean {
  if (message === ACTIVITY_FAILED) return Number(meta.attempt) < ATTEMPTS_WORTH_A_WARNING;
  if (meta.sdkComponent !== 'worker') return false;
  return level === 'INFO' || message.startsWith('No workflows registered');
}
