import { RATE_RESET_MOST_MS } from '../poll/limits.ts';

/**
 * The token bucket as one answer showed it. Source: https://dev.twitch.tv/docs/api/guide#twitch-rate-limits: `limit` points
 * are refilled per minute, `remaining` are left, and at `resetAtMs` (Unix milliseconds) the bucket is full again.
 */
export interface RateLimit {
  limit: number;
  remaining: number;
  resetAtMs: number;
}

type Headers = Record<string, string | string[] | undefined>;

/** A reset that has passed: our clock is ahead, or others emptied the bucket meanwhile. Not at once, or it becomes a loop. */
const MIN_WAIT_MS = 1_000;
/** A 429 without a usable reset: the bucket refills continuously, so that a few seconds bring points (800/min: 13 a second). */
const UNKNOWN_WAIT_MS = 10_000;

/** A header that is a plain whole number; undefined when it is missing, repeated or anything else. */
function wholeNumber(headers: Headers, name: string): number | undefined {
  const text = headers[name];
  return typeof text === 'string' && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

/** The rate-limit view of an answer; undefined unless all three headers are usable. */
export function readRateLimit(headers: Headers, nowMs: number): RateLimit | undefined {
  const limit = wholeNumber(headers, 'ratelimit-limit');
  const remaining = wholeNumber(headers, 'ratelimit-remaining');
  const resetSeconds = wholeNumber(headers, 'ratelimit-reset');
  if (limit === undefined || remaining === undefined || resetSeconds === undefined) return undefined;
  return { limit, remaining, resetAtMs: Math.min(resetSeconds * 1000, nowMs + RATE_RESET_MOST_MS) };
}

/** When to try again after a 429, in Unix milliseconds: 1 to 60 seconds from now, whatever the header says. */
export function retryAtMs(headers: Headers, nowMs: number): number {
  const resetSeconds = wholeNumber(headers, 'ratelimit-reset');
  if (resetSeconds === undefined) return nowMs + UNKNOWN_WAIT_MS;
  return Math.min(Math.max(resetSeconds * 1000, nowMs + MIN_WAIT_MS), nowMs + RATE_RESET_MOST_MS);
}
