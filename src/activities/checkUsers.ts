import { cancellationSignal } from '@temporalio/activity';
import { IDS_PER_REQUEST } from '../poll/model.ts';
import type { UserCheck } from '../poll/steps.ts';
import { TwitchError } from '../twitch/errors.ts';
import { runRequestAttempt } from './attempt.ts';
import type { Dependencies } from './dependencies.ts';

/** So many users at once are not gone: then the answer is wrong, as Twitch's empty ones are at times. */
const HARDLY_ALL_GONE = 10;

export function userActivities({ targets, twitch }: Dependencies) {
  return {
    /** Asks Twitch for the next 100 user targets in turn, and notes those that it no longer knows. */
    async checkUsers(): Promise<UserCheck> {
      return runRequestAttempt(async (failedRequests) => {
        await check();
        return { failedRequests };
      });
    },
  };

  async function check(): Promise<void> {
    const read = await targets.list('user', await targets.gone.position(), IDS_PER_REQUEST);
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
    await targets.gone.notePosition(read.length < IDS_PER_REQUEST ? undefined : read.at(-1));
  }
}
