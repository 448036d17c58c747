import { activityInfo } from '@temporalio/activity';
import type { Batch, StreamEvent } from '../poll/model.ts';
import { type Skipped, targetOf } from '../storage/compareAll.ts';
import type { PageRef, PollRef, StagedStream, UnpolledTargets } from '../storage/streams.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeat.ts';
import type { Dependencies } from './index.ts';

export interface DiffStreamsInput {
  poll: PollRef;
  /** The greatest version of the store that the poll has seen; absent in histories of before there were versions. */
  storeVersion?: number | undefined;
  /** Who claims: the same for all attempts of this diff, another for each diff of a poll. */
  owner: string;
  pages: PageRef[];
  /** Batches that were polled to their end, and whose pages are all in this or earlier diffs. */
  complete: Batch[];
  /** Unix milliseconds, 0 if unknown. */
  lastCompleteMs: number;
  /** Targets that earlier polls did not reach; absent if there are none, and in histories of before they were told. */
  unpolled?: UnpolledTargets[];
}

export interface DiffStreamsResult {
  /** New streams, claimed for `owner`: to be published. */
  events: StreamEvent[];
  /** How many of the pages are done. If fewer than given, misses were not counted: the rest wants another diff. */
  pagesDone: number;
  /** Numbers of batches whose pages are gone from the store: they count as not polled. */
  lost: number[];
  silent: number;
  ended: number;
  /** Size of the live set. */
  live: number;
  /** Version of the store after the comparison; absent if it has lost the poll. */
  storeVersion?: number;
  /** Streams that could not be compared, if there are any; all others were. */
  skipped?: SkippedStreams;
  /** Why the misses of complete batches could not be counted, if so. */
  uncounted?: string;
}

export interface SkippedStreams {
  count: number;
  /** The targets that show them: they must count no miss in this poll. */
  users: string[];
  games: string[];
  /** The first few, with what the store said. */
  problems: string[];
}

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
              firstSight: settings.FIRST_SIGHT,
              offlineAfterMisses: settings.OFFLINE_AFTER_MISSES,
              nowMs,
              hotUntilMs: nowMs + settings.RECENTLY_LIVE_DAYS * 24 * 3_600_000,
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
