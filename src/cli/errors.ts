/** The exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A command that can't do what was asked; the message says why in plain words, and what to do about it. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** A command line that makes no sense as it stands. */
export function usageError(message: string): CommandError {
  return new CommandError(message, { exitCode: EXIT.usage });
}

/** A service that the command needs did not answer or refused; names the setting that leads to it. */
export class UnavailableError extends CommandError {
  override readonly name = 'UnavailableError';
}

/** What to print about an error, in plain words. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // By name: to ask for the class would load Temporal's client for every command.
  if (error.name === 'ScheduleNotFoundError' && 'scheduleId' in error) {
    return `there is no schedule ${error.scheduleId}; create it: npm run client -- schedule apply`;
  }
  const grpc = [error, error.cause].find(isGrpcError);
  const namespace = /^Namespace (\S+) (is|was) not found/i.exec(grpc?.details ?? '')?.[1];
  if (namespace) return `the Temporal server has no namespace ${namespace} (TEMPORAL_NAMESPACE)`;
  if (grpc) return `Temporal refused or did not answer (TEMPORAL_ADDRESS): ${grpc.details || grpc.message}`;
  return error.message;
}

function isGrpcError(error: unknown): error is Error & { details: string } {
  return error instanceof Error && 'details' in error && typeof error.details === 'string' && 'metadata' in error;
}

/** With LOG_LEVEL=debug (or trace) an error is printed with its stack and causes. */
export function wantsStacks(): boolean {
  return ['debug', 'trace'].includes(process.env.LOG_LEVEL?.trim() ?? '');
}
