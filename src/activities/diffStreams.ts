import { activityInfo } from '@temporalio/activity';
import type { Batch } from '../poll/model.ts';
import type { DiffStreamsInput, DiffStreamsResult, SkippedStreams } from '../poll/steps.ts';
import { targetOf } from '../storage/compareAll.ts';
import type { Skipped, StagedStream } from '../storage/diff.ts';
import type { Dependencies } from './dependencies.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './attempt.ts';

const MOST_PROBLEMS = 3;

function summarizeSkipped(skipped: readonly Skipped[]): SkippedStreams {
  const of = (kind: Batch['kind']) =>
    skipped.filter(({ stream }) => stream.kind === kind).map(({ stream }) => targetOf(stream));
  return {
    count: skipped.length,
    users: [...new Set(of('user'))],
    games: [...new Set(of('game'))],
    problems: skipped
      .slice(0, MOST_PROBLEMS)
      .map(({ stream, why }) => `stream ${stream.id} of user ${stream.userId} was skipped: ${why.slice(0, 200)}`),
  };
}

/** JSON of the streams that one diff may claim: with the rest of an event it stays below 64 KB in the history. */
const CLAIM_BYTES = 36_000;

export function diffActivities({ settings, streams }: Dependencies) {
  return {
    /** Compares staged pages with the live set, claims the new streams and counts misses of complete batches. */
    async diffStreams(input: DiffStreamsInput): Promise<DiffStreamsResult> {
      const { poll, storeVersion, owner, pages, complete, lastCompleteMs, unpolled } = input;
      return heartbeating(
        () => undefined,
        async () => {
          try {
            const filled = pages.filter((page) => page.streams > 0);
            const [staged, nowMs] = await Promise.all([streams.readPages(poll, filled), streams.nowMs()]);
            const lost = new Set(filled.flatMap((page, i) => (staged[i] ? [] : [page.batch])));
            const seen = new Map<string, StagedStream>();
            const seenAfterPage = staged.map((page) => {
              for (const stream of page ?? []) seen.set(`${stream.kind}:${stream.id}`, stream);
              return seen.size;
            });
            const idsOf = (kind: Batch['kind']) =>
              complete.filter((batch) => batch.kind === kind && !lost.has(batch.no)).flatMap((batch) => batch.ids);

            const diff = await streams.diff({
              poll,
              storeVersion,
              owner,
              streams: [...seen.values()],
              complete: { users: idsOf('user'), games: idsOf('game') },
              lastCompleteMs,
              unpolled,
              firstSight: settings.firstSight,
              offlineAfterMisses: settings.offlineAfterMisses,
              nowMs,
              hotUntilMs: nowMs + settings.recentlyLiveDays * 24 * 3_600_000,
              claimBytes: CLAIM_BYTES,
            });
            if (diff.lost) {
              const batches = [...pages.map((page) => page.batch), ...complete.map((batch) => batch.no)];
              const live = await streams.countLive();
              return { events: [], pagesDone: pages.length, lost: [...new Set(batches)], silent: 0, ended: 0, live };
            }
            const unfinished = filled[seenAfterPage.findIndex((count) => count > diff.handled)];
            return {
              events: diff.events,
              pagesDone: unfinished ? pages.indexOf(unfinished) : pages.length,
              lost: [...lost],
              silent: diff.silent,
              ended: diff.ended,
              live: diff.live,
              storeVersion: diff.storeVersion,
              ...(diff.skipped.length > 0 && { skipped: summarizeSkipped(diff.skipped) }),
              ...(diff.uncounted !== undefined && { uncounted: diff.uncounted.slice(0, 200) }),
            };
          } catch (error) {
            throw toActivityFailure(error, activityInfo().attempt);
          }
        },
      );
    },
  };
}
