import type { Secret } from '../config/secret.ts';
import { retryAtMs } from './rate.ts';
import { cleanText } from './text.ts';

/**
 * What went wrong between us and Twitch, by what the caller can do about it:
 *
 * - `rate_limited`: 429; wait until `retryAtMs`.
 * - `unauthorized`: 401 although the token was new; Twitch or the application is in trouble, worth a later try.
 * - `credentials`: /token refused the client id or secret; nothing but a changed setting helps.
 * - `bad_request`: 400 or another 4xx; the same request will fail again.
 * - `invalid_cursor`: 400 for the page cursor (twitchdev/issues #91); start again from the first page.
 * - `server`: 5xx (or 408); try again later.
 * - `network`: no connection, a timeout, or a connection cut half-way; `cause` is kept.
 * - `invalid_response`: not JSON, of an unexpected shape or status; try again later.
 * - `too_large`: more than a request may bring; the same request would bring it again, one for fewer ids may not.
 */
export type TwitchErrorKind =
  | 'rate_limited'
  | 'unauthorized'
  | 'credentials'
  | 'bad_request'
  | 'invalid_cursor'
  | 'server'
  | 'network'
  | 'invalid_response'
  | 'too_large';

/**
 * The one error that this folder throws for anything that Twitch or the network did. (A caller's own abort is thrown as
 * its signal's reason, and a request that could never be right as `RangeError`.) Its message holds no token or secret.
 */
export class TwitchError extends Error {
  override readonly name = 'TwitchError';
  readonly kind: TwitchErrorKind;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** `rate_limited` only: Unix time in milliseconds from which a new try makes sense, at most a minute ahead. */
  readonly retryAtMs: number | undefined;

  constructor(
    kind: TwitchErrorKind,
    message: string,
    details: { status?: number; retryAtMs?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.retryAtMs = details.retryAtMs;
  }
}

/** A complete HTTP answer. `what` names the request for messages: method and address, without its query. */
export interface Answer {
  what: string;
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Unix time in milliseconds at which the last byte was there. */
  receivedAtMs: number;
}

const MAX_QUOTE_LENGTH = 200;

/** The `message` of an error answer (Helix: `{error, status, message}`, OAuth: `{status, message}`). */
function messageOf(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (parsed !== null && typeof parsed === 'object' && 'message' in parsed && typeof parsed.message === 'string') {
      return parsed.message;
    }
  } catch {
    // Not from Twitch itself, for example a proxy's error page.
  }
  return undefined;
}

/** One line of at most 200 characters. A server may echo what it was sent, so the request's secrets are taken out first. */
export function quote(text: string, secrets: readonly Secret[]): string {
  let safe = text;
  for (const secret of secrets) {
    const value = secret.reveal();
    for (const form of new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])) {
      safe = safe.replaceAll(form, String(secret));
    }
  }
  safe = safe.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return cleanText(safe, MAX_QUOTE_LENGTH) + (safe.length > MAX_QUOTE_LENGTH ? '…' : '');
}

/**
 * The error that an answer other than 200 stands for, with Twitch's message or else the start of the body. Source:
 * https://dev.twitch.tv/docs/api/guide (status codes, rate limits).
 */
export function helixError(answer: Answer, secrets: readonly Secret[]): TwitchError {
  return errorFor(answer, quote(messageOf(answer.body) ?? answer.body, secrets));
}

/**
 * The error that a /token answer other than 200 stands for. Twitch says 400 `invalid client` for an unknown client id and
 * 403 `invalid client secret` for a wrong secret (fixtures of nicklaw5/helix); both stay wrong until a setting changes.
 */
export function tokenError(answer: Answer, secrets: readonly Secret[]): TwitchError {
  // Never the body itself: under another status than 200 it may still hold a token.
  const said = quote(messageOf(answer.body) ?? '', secrets);
  const { status } = answer;
  if (status !== 400 && status !== 401 && status !== 403) return errorFor(answer, said);
  const advice = /secret/i.test(said)
    ? 'set TWITCH_CLIENT_SECRET to the current secret of this application (https://dev.twitch.tv/console/apps shows a new one on request)'
    : /client/i.test(said)
      ? 'set TWITCH_CLIENT_ID to the Client ID that https://dev.twitch.tv/console/apps shows'
      : 'check TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET against https://dev.twitch.tv/console/apps';
  const reason = said ? `${status}: ${said}` : status;
  return new TwitchError('credentials', `Twitch refused the client credentials (${reason}): ${advice}`, { status });
}

function errorFor(answer: Answer, said: string): TwitchError {
  const { status } = answer;
  const message = `${answer.what} answered ${status}${said ? `: ${said}` : ''}`;
  if (status === 429) {
    return new TwitchError('rate_limited', message, {
      status,
      retryAtMs: retryAtMs(answer.headers, answer.receivedAtMs),
    });
  }
  if (status === 401) return new TwitchError('unauthorized', message, { status });
  if (status === 408 || status >= 500) return new TwitchError('server', message, { status });
  // The names that Twitch gives the cursor: "Invalid cursor", or its parameter, 'The parameter "after" was malformed'.
  if (status === 400 && /cursor|"after"/i.test(said)) return new TwitchError('invalid_cursor', message, { status });
  if (status >= 400) return new TwitchError('bad_request', message, { status });
  return new TwitchError('invalid_response', message, { status });
}
