import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { UserCheck } from '../poll/steps.ts';
import { TwitchError } from '../twitch/errors.ts';
import type { Dependencies } from './dependencies.ts';
import { failureKind, toActivityFailure } from './failures.ts';
import { heartbeating, lastHeartbeatList } from './heartbeat.ts';

/** Ids in one request. */
const IDS_PER_CHECK = 100;
/** So many users at once are not gone: then the answer is wrong, as Twitch's empty ones are at times. */
const HARDLY_ALL_GONE = 10;

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
  const round = Math.ceil(users / IDS_PER_CHECK);
  const apartMs = Math.max(DAY_MS / round, 60_000 / (BUDGET_SHARE * requestsPerMinute));
  // The first is due ten minutes after the first poll. A clock that was set back makes the time anew.
  if (checkedMs === 0 || checkedMs > nowMs) return { checks: 0, noteMs: nowMs - Math.max(0, apartMs - LEAST_APART_MS) };
  const passedMs = nowMs - checkedMs;
  if (passedMs < Math.max(apartMs, LEAST_APART_MS)) return { checks: 0 };
  return { checks: Math.min(Math.floor(passedMs / apartMs), round, MOST_AT_ONCE), noteMs: nowMs };
}

export function userActivities({ targets, twitch }: Dependencies) {
  return {
    /** Asks Twitch for the next 100 user targets in turn, and notes those that it no longer knows. */
    async checkUsers(): Promise<UserCheck> {
      const failedRequests = lastHeartbeatList();
      return heartbeating(
        () => failedRequests,
        async () => {
          try {
            await check();
            return { failedRequests };
          } catch (error) {
            failedRequests.push(failureKind(error));
            heartbeat(failedRequests);
            throw toActivityFailure(error, activityInfo().attempt, { details: [failedRequests] });
          }
        },
      );
    },
  };

  async function check(): Promise<void> {
    const read = await targets.list('user', await targets.gone.position(), IDS_PER_CHECK);
    const nowMs = Date.now();
    // Requests that hold a refused id are refused here too.
    const { polled: ids } = await targets.refused.sift('user', read, nowMs);
    if (ids.length > 0) {
      try {
        const found = new Set((await twitch.getUsers({ ids }, cancellationSignal())).map(({ id }) => id));
        if (found.size > 0 || ids.length < HARDLY_ALL_GONE) await targets.gone.note(ids, found, nowMs);
      } catch (error) {
        // One of the ids is refused, and nothing can be said of the others: the round goes on behind them.
        if (!(error instanceof TwitchError && error.kind === 'bad_request')) throw error;
      }
    }
    await targets.gone.notePosition(read.length < IDS_PER_CHECK ? undefined : read.at(-1));
  }
}
