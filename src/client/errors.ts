import { isGrpcServiceError, ScheduleNotFoundError } from '@temporalio/client';
import { SettingsError } from '../config/env.ts';
import { TemporalUnavailableError } from '../temporal.ts';
import { TwitchError } from '../twitch/errors.ts';

/** The exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A command that can't do what was asked; the message says why in plain words, and what to do about it. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** A command line that makes no sense as it stands. */
export function usageError(message: string): CommandError {
  return new CommandError(message, { exitCode: EXIT.usage });
}

/** A service that the command needs did not answer or refused; names the setting that leads to it. */
export class UnavailableError extends CommandError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableError';
  }
}

/** What to print about an error, in plain words. Every error that names a setting says what to do with it. */
export function describeError(error: unknown): string {
  if (error instanceof ScheduleNotFoundError) {
    return `there is no schedule ${error.scheduleId}; create it: npm run client -- schedule apply`;
  }
  if (
    error instanceof CommandError ||
    error instanceof SettingsError ||
    error instanceof TemporalUnavailableError ||
    error instanceof TwitchError
  ) {
    return error.message;
  }
  const grpc = [error, (error as Error | undefined)?.cause].find(isGrpcServiceError);
  if (grpc) return `Temporal refused or did not answer (TEMPORAL_ADDRESS): ${grpc.details || grpc.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** With LOG_LEVEL=debug (or trace) an error is printed with its stack and causes. */
export function wantsStacks(env: NodeJS.ProcessEnv = process.env): boolean {
  return ['debug', 'trace'].includes(env.LOG_LEVEL?.trim() ?? '');
}
