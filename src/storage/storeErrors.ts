import { ReplyError } from 'ioredis';

/**
 * States of the store that pass. Inside a script Redis puts the code first (`OOM command not allowed …`); Dragonfly, and
 * Redis before 7, put it behind what ran: `ERR Error running script (call to f_…): @user_script:124: -ERR Out of memory`.
 */
const PASSING =
  /(^|: )-?(OOM|READONLY|MISCONF|NOREPLICAS|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b|[Oo]ut of memory|max number of clients/;

/** A script, or a command, that will fail again because of what it was given or found, not because of the store's state. */
export function isScriptsOwn(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return false;
  const { message } = error as Error;
  return /^ERR|user_script/.test(message) && !PASSING.test(message);
}

/** Whether the store did not do its part: it is away, did not answer in time (which ioredis says in words only), or refused. */
export function isOfStore(error: unknown, status: string): boolean {
  const mute = error instanceof Error && error.message === 'Command timed out';
  return mute || error instanceof ReplyError || status !== 'ready';
}

export const STORE_ERROR_KINDS = ['unavailable', 'timeout', 'full', 'refused', 'script', 'other'] as const;

/**
 * `unavailable`: no connection, or lost on the way. `timeout`: no answer in time. `full`: out of memory. `refused`: a state
 * that passes, or a missing right. `script`: the command's own fault.
 */
export function storeErrorKind(error: Error): (typeof STORE_ERROR_KINDS)[number] {
  if (error.message === 'Command timed out') return 'timeout';
  if (!(error instanceof ReplyError)) return 'unavailable';
  if (/(^|: )-?OOM\b|[Oo]ut of memory/.test(error.message)) return 'full';
  if (PASSING.test(error.message) || /NOAUTH|WRONGPASS|NOPERM/.test(error.message)) return 'refused';
  return isScriptsOwn(error) ? 'script' : 'other';
}

/** What went wrong; ioredis's words for a command without a connection name an option of ours instead. */
export function storeProblem({ message }: Error): string {
  return message.includes('enableOfflineQueue') ? 'there is no connection' : message;
}

/** What a failed command on the store means to somebody at a terminal. */
export function inOperatorsWords(shownUrl: string, error: Error): string {
  if (error instanceof ReplyError && /(^|: )-?OOM\b|[Oo]ut of memory/.test(error.message)) {
    return (
      `the store at ${shownUrl} (DRAGONFLY_URL) is full: give it more memory (--maxmemory), then run the command again; ` +
      'what it had written by then is kept'
    );
  }
  const problem = storeProblem(error);
  return /NOAUTH|WRONGPASS|AUTH|NOPERM/.test(problem)
    ? `the store at ${shownUrl} refused the user name or password in DRAGONFLY_URL: ${problem}`
    : `the store does not answer at ${shownUrl} (DRAGONFLY_URL): ${problem}. Is Dragonfly (or Redis) running there?`;
}
