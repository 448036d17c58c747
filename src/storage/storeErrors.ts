import { ReplyError } from 'ioredis';

/**
 * States of the store that pass. Inside a script Redis puts the code first (`OOM command not allowed …`); Dragonfly, and
 * Redis before 7, put it behind what ran: `ERR Error running script (call to f_…): @user_script:124: -ERR Out of memory`.
 */
const PASSING =
  /(^|: )-?(OOM|READONLY|MISCONF|NOREPLICAS|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b|[Oo]ut of memory|max number of clients/;

/** The store has no room for what it was asked to write. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof ReplyError && /(^|: )-?OOM\b|[Oo]ut of memory/.test((error as Error).message);
}

/** A script, or a command, that will fail again because of what it was given or found, not because of the store's state. */
export function isScriptsOwn(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return false;
  const { message } = error as Error;
  return /^ERR|user_script/.test(message) && !PASSING.test(message);
}
