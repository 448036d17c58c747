import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { PageSummary, PollPageInput } from '../poll/steps.ts';
import { isDeadCursor } from '../twitch/cursor.ts';
import type { Dependencies } from './dependencies.ts';
import { failureKind, toActivityFailure } from './failures.ts';
import { heartbeating, lastHeartbeatList } from './attempt.ts';

export function pollActivities({ twitch, streams }: Dependencies) {
  return {
    /** Sends one Helix request, stages the streams of its page in the store and returns a summary of it. */
    async pollPage({ poll, batch, page, after }: PollPageInput): Promise<PageSummary> {
      const failedRequests = lastHeartbeatList();
      return heartbeating(
        () => failedRequests,
        async () => {
          try {
            const answer = await twitch.getStreams(
              { kind: batch.kind, ids: batch.ids, ...(after !== undefined && { after }) },
              cancellationSignal(),
            );
            if (answer.renewedToken) failedRequests.push('unauthorized');
            const again = activityInfo().attempt > 1;
            const at = { batch: batch.no, page };
            const staged = await streams.stagePage(poll, at, batch.kind, answer.streams, again);
            return {
              ...staged,
              malformed: answer.malformed,
              failedRequests,
              ...(answer.cursor !== undefined && { next: answer.cursor }),
              ...(answer.cursor !== undefined && isDeadCursor(answer.cursor) && { dead: true as const }),
            };
          } catch (error) {
            // The next attempt finds this list in its heartbeat details: Temporal keeps no history of failed attempts.
            failedRequests.push(failureKind(error));
            heartbeat(failedRequests);
            throw toActivityFailure(error, activityInfo().attempt, { details: [failedRequests] });
          }
        },
      );
    },
  };
}
