import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { PageSummary, PollPageInput } from '../poll/steps.ts';
import { isDeadCursor } from '../twitch/cursor.ts';
import { runRequestAttempt } from './attempt.ts';
import type { Dependencies } from './dependencies.ts';

export function pollActivities({ twitch, streams }: Dependencies) {
  return {
    /** Sends one Helix request, stages the streams of its page in the store and returns a summary of it. */
    async pollPage({ poll, batch, page, after }: PollPageInput): Promise<PageSummary> {
      return runRequestAttempt(async (failedRequests) => {
        const { kind, ids } = batch;
        const answer = await twitch.getStreams(
          { kind, ids, ...(after !== undefined && { after }) },
          cancellationSignal(),
        );
        if (answer.renewedToken) failedRequests.push('unauthorized');
        const again = activityInfo().attempt > 1;
        const staged = await streams.stagePage(poll, { batch: batch.no, page }, kind, answer.streams, again);
        const { malformed, cursor } = answer;
        if (cursor === undefined) return { ...staged, malformed, failedRequests };
        return {
          ...staged,
          malformed,
          failedRequests,
          next: cursor,
          ...(isDeadCursor(cursor) && { dead: true as const }),
        };
      });
    },
  };
}
