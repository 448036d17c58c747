import { CLAIM_BYTES } from '../poll/limits.ts';
import type { Batch } from '../poll/model.ts';
import type { DiffStreamsInput, DiffStreamsResult, SkippedStreams } from '../poll/steps.ts';
import { targetOf } from '../storage/compareAll.ts';
import type { Skipped, StagedStream } from '../storage/diff.ts';
import { runAttempt } from './attempt.ts';
import type { Dependencies } from './dependencies.ts';

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

export function diffActivities({ settings, streams, feed }: Dependencies) {
  return {
    /** Compares staged pages with the live set, claims the new streams and counts misses of complete batches. */
    async diffStreams(input: DiffStreamsInput): Promise<DiffStreamsResult> {
      return runAttempt(() => diff(input));
    },
  };

  async function diff(input: DiffStreamsInput): Promise<DiffStreamsResult> {
    const { pages, complete, ...request } = input;
    const filled = pages.filter((page) => page.streams > 0);
    const [staged, nowMs] = await Promise.all([streams.readPages(input.poll, filled), streams.nowMs()]);
    const lost = new Set(filled.flatMap((page, i) => (staged[i] ? [] : [page.batch])));
    const seen = new Map<string, StagedStream>();
    const seenAfterPage = staged.map((page) => {
      for (const stream of page ?? []) seen.set(`${stream.kind}:${stream.id}`, stream);
      return seen.size;
    });
    const idsOf = (kind: Batch['kind']) =>
      complete.filter((batch) => batch.kind === kind && !lost.has(batch.no)).flatMap((batch) => batch.ids);

    const found = await streams.diff({
      ...request,
      streams: [...seen.values()],
      complete: { users: idsOf('user'), games: idsOf('game') },
      firstSight: settings.firstSight,
      offlineAfterMisses: settings.offlineAfterMisses,
      nowMs,
      hotUntilMs: nowMs + settings.recentlyLiveDays * 24 * 3_600_000,
      claimBytes: CLAIM_BYTES,
    });
    if (found.lost) {
      const batches = [...pages.map((page) => page.batch), ...complete.map((batch) => batch.no)];
      const live = await streams.countLive();
      return { events: [], pagesDone: pages.length, lost: [...new Set(batches)], silent: 0, ended: 0, live };
    }
    const unfinished = filled[seenAfterPage.findIndex((count) => count > found.handled)];
    const { events, silent, ended, live, storeVersion, skipped, uncounted } = found;
    void feed.note('claimed', events);
    return {
      events,
      pagesDone: unfinished ? pages.indexOf(unfinished) : pages.length,
      lost: [...lost],
      silent,
      ended,
      live,
      storeVersion,
      ...(skipped.length > 0 && { skipped: summarizeSkipped(skipped) }),
      ...(uncounted !== undefined && { uncounted: uncounted.slice(0, 200) }),
    };
  }
}
