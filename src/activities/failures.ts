import {
  ApplicationFailure,
  ApplicationFailureCategory,
  type ApplicationFailureOptions,
  CancelledFailure,
} from '@temporalio/common';
import { backoffMs } from '../lib/backoff.ts';
import { FAILED_RETRY } from '../poll/limits.ts';
import { isScriptsOwn, storeProblem } from '../storage/storeErrors.ts';
import { TwitchError } from '../twitch/errors.ts';

/** Of a store's words; Temporal keeps 2 KB of a failure. */
const MESSAGE_MOST = 500;
/** A script that fails this often fails because of its input, not because of the store's state. */
const SCRIPT_ATTEMPTS = 5;

/** One word for what failed: Twitch's kinds as they are, `store` for the rest of what a request needs. */
export function failureKind(error: unknown): string {
  if (error instanceof CancelledFailure) return 'interrupted';
  return error instanceof TwitchError ? error.kind : 'store';
}

export interface FailureOptions {
  /** What it has in hand must not be given up, whatever the store answers and however often. */
  endless?: boolean;
  /** Travel with the failure into the history. */
  details?: unknown[];
}

/**
 * The one place where errors become Temporal failures: what may be retried, when, and what is expected in operation
 * (BENIGN: no warning for each attempt). Causes are left out of the history: they may quote a URL with credentials.
 *
 * @param attempt the activity's attempt, from 1
 */
export function toActivityFailure(error: unknown, attempt: number, options: FailureOptions = {}): ApplicationFailure {
  const { endless = false, details = [] } = options;
  if (error instanceof TwitchError) return ApplicationFailure.create({ details, ...describeTwitch(error, attempt) });
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof CancelledFailure) {
    // Nothing has failed: the worker stops, and the next attempt runs in another or after its restart.
    return ApplicationFailure.create({
      message: `given up before it was done: ${error.message}`,
      type: 'Interrupted',
      category: ApplicationFailureCategory.BENIGN,
      details,
    });
  }
  const message = error instanceof Error ? storeProblem(error) : String(error);
  const hopeless = isScriptsOwn(error) && attempt >= SCRIPT_ATTEMPTS;
  return ApplicationFailure.create({
    message: `the store (DRAGONFLY_URL) did not do its part: ${message.slice(0, MESSAGE_MOST).toWellFormed()}`,
    type: 'StoreUnavailable',
    nonRetryable: hopeless && !endless,
    nextRetryDelay: backoffMs(attempt, FAILED_RETRY),
    details,
  });
}

function describeTwitch({ kind, message, retryAtMs }: TwitchError, attempt: number): ApplicationFailureOptions {
  switch (kind) {
    case 'rate_limited':
      return {
        message,
        type: 'TwitchRateLimited',
        category: ApplicationFailureCategory.BENIGN,
        nextRetryDelay: Math.max(0, (retryAtMs ?? 0) - Date.now()) + backoffMs(1, FAILED_RETRY),
      };
    case 'credentials':
      return { message, type: 'TwitchCredentials', nonRetryable: true };
    case 'bad_request':
      return { message, type: 'TwitchBadRequest', nonRetryable: true };
    case 'too_large':
      return { message, type: 'TwitchTooLarge', nonRetryable: true };
    case 'invalid_cursor':
      return { message, type: 'TwitchInvalidCursor', nonRetryable: true };
    default:
      return { message, type: 'TwitchUnavailable', nextRetryDelay: backoffMs(attempt, FAILED_RETRY) };
  }
}
