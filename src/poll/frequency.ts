/** What decides how often targets are polled. */
export interface RhythmInput {
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

const IDS_PER_BATCH = 100;
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
 * @returns how many dormant users one poll takes; `all` when every target has the same rhythm
 */
export function dormantPerPoll(input: RhythmInput): number | 'all' {
  const { users, hot, gameRequests, intervalSeconds, requestsPerMinute, dormantMaxSeconds } = input;
  const requestSeconds = 60 / requestsPerMinute;
  const often = Math.ceil(hot / IDS_PER_BATCH) + gameRequests;
  const dormant = Math.ceil(Math.max(0, users - hot) / IDS_PER_BATCH);
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
  return batches >= dormant ? 'all' : batches * IDS_PER_BATCH;
}
