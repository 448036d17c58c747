import { IDS_PER_REQUEST } from './model.ts';

/** What decides how often targets are polled. */
export interface FrequencyInput {
  users: number;
  /** Of the users, those that were live lately or just added. */
  hot: number;
  /** Requests that the game targets take in a poll, all pages. */
  gameRequests: number;
  intervalSeconds: number;
  requestsPerMinute: number;
  /** The longest time between two polls of a dormant user. */
  dormantMaxSeconds: number;
}

/** Of the requests that hot users and games take, what dormant ones get besides: a third of the whole. */
const DORMANT_SHARE = 1 / 2;

/**
 * Splits a budget that is too small to poll every target in each interval. Hot users and games are in every poll; dormant
 * users take turns, so many in a poll that
 *
 * - they use what is left of the interval, or a third of the requests if nothing is left: with go-lives concentrated on a
 *   small part of the users that is close to the split with the least mean lag, which polls a group the oftener, the more
 *   go-lives per user it has, by the square root;
 * - each is polled within `dormantMaxSeconds`, if that can be done at all.
 *
 * @returns how many dormant users one poll takes; `all` when every target is polled each time
 */
export function dormantPerPoll(input: FrequencyInput): number | 'all' {
  const { users, hot, gameRequests, intervalSeconds, requestsPerMinute, dormantMaxSeconds } = input;
  const requestSeconds = 60 / requestsPerMinute;
  const often = Math.ceil(hot / IDS_PER_REQUEST) + gameRequests;
  const dormant = Math.ceil(Math.max(0, users - hot) / IDS_PER_REQUEST);
  const fitting = Math.floor(intervalSeconds / requestSeconds);
  if (often + dormant <= fitting) return 'all';

  // A poll takes the interval or its requests' time, whichever is longer, and there are dormant / n polls in a turn.
  const leftSeconds = dormantMaxSeconds - dormant * requestSeconds;
  if (leftSeconds <= 0) return 'all';
  const inTime = Math.max(
    (dormant * intervalSeconds) / dormantMaxSeconds,
    (dormant * often * requestSeconds) / leftSeconds,
  );
  const batches = Math.ceil(Math.max(fitting - often, often * DORMANT_SHARE, inTime, 1));
  return batches >= dormant ? 'all' : batches * IDS_PER_REQUEST;
}

const DAY_MS = 24 * 3_600_000;
/** Checks come together, so that most polls make none. */
const LEAST_APART_MS = 10 * 60_000;
const MOST_AT_ONCE = 100;
/** Part of the request budget that the checks may take. */
const BUDGET_SHARE = 0.01;

/**
 * How many checks of 100 users are due: each user is checked once a day, or as often as a hundredth of the request budget
 * allows (more than a million users a day at the default).
 *
 * @param checkedMs when the last ones were due, 0 if never
 * @returns checks to make now, and the time to note if it is another than `checkedMs`
 */
export function userChecksDue(
  users: number,
  checkedMs: number,
  requestsPerMinute: number,
  nowMs: number,
): { checks: number; noteMs?: number } {
  if (users === 0) return { checks: 0 };
  const round = Math.ceil(users / IDS_PER_REQUEST);
  const apartMs = Math.max(DAY_MS / round, 60_000 / (BUDGET_SHARE * requestsPerMinute));
  // The first is due ten minutes after the first poll. A clock that was set back makes the time anew.
  if (checkedMs === 0 || checkedMs > nowMs) return { checks: 0, noteMs: nowMs - Math.max(0, apartMs - LEAST_APART_MS) };
  const passedMs = nowMs - checkedMs;
  if (passedMs < Math.max(apartMs, LEAST_APART_MS)) return { checks: 0 };
  return { checks: Math.min(Math.floor(passedMs / apartMs), round, MOST_AT_ONCE), noteMs: nowMs };
}
