import {
  ActivityFailure,
  ApplicationFailure,
  continueAsNew,
  isCancellation,
  log,
  proxySinks,
  workflowInfo,
} from '@temporalio/workflow';
import type { FetchedTargets } from '../activities/targets.ts';
import type { Batch } from '../model.ts';
import { fetchTargets, twitchActivities } from './activities.ts';
import { afterInvalidCursor, afterPage, type Step, startChain } from './chain.ts';
import { advance, type Cursor, IDS_PER_BATCH } from './cursor.ts';
import { checkInput, type PollInput, type Resume } from './input.ts';
import { Lanes } from './lanes.ts';
import { twitchTaskQueueOf } from './queues.ts';
import {
  finishReport,
  newReport,
  noteFailedRequests,
  noteProblem,
  type PollReport,
  type PollSinks,
  pollIdOf,
  readLastReport,
} from './report.ts';
import { Slices } from './slices.ts';
import { takesNewSteps } from './version.ts';

const WINDOW = 50;

const { polls } = proxySinks<PollSinks>();

/**
 * One poll over all targets: walks them in batches of up to 100, sends one Helix request per activity through the
 * rate-limited queue with a bounded number of them in flight, and hands each page to the slices, which find and publish
 * what is new while the walk goes on. It continues as new when its history grows long, so that a million targets are no
 * different from three. A batch that fails for good makes the poll partial, never the streams of its targets ended.
 */
export async function pollStreams(given: PollInput = {}): Promise<PollReport> {
  polls.began();
  const input = checkInput(given);
  const state = input.resume ?? openingState();
  const { poll, report } = state;
  const { pollPage } = twitchActivities(input.twitchTaskQueue ?? twitchTaskQueueOf(workflowInfo().taskQueue));
  const requests = new Lanes(input.window ?? WINDOW);
  const slices = new Slices(state);
  const slicesDone = slices.run();

  let batchesLeft = input.batchesPerRun ?? Number.POSITIVE_INFINITY;
  let unfinished = false;
  try {
    let fetched: FetchedTargets | undefined = await fetch(input.resume && state.from);
    while (fetched && !unfinished) {
      // Read ahead, so that the rate-limited queue does not run dry between two reads.
      const ahead: Promise<FetchedTargets> | undefined = fetched.next && fetch(fetched.next);
      ahead?.catch(() => undefined); // It is awaited below, unless something else fails first.
      for (const { kind, ids, known, behind } of cutBatches(fetched)) {
        if (batchesLeft-- <= 0 || workflowInfo().continueAsNewSuggested) {
          unfinished = true;
          break;
        }
        const batch: Batch = { no: report.batches++, kind, ids };
        report.targets += ids.length;
        await requests.start(() => pollBatch(batch, known));
        state.from = behind;
      }
      fetched = await ahead;
    }
    await requests.drain();
  } finally {
    slices.close();
    await slicesDone;
  }

  if (unfinished) return continueAsNew<typeof pollStreams>({ ...input, resume: state });
  const { last, intervalSeconds, requestsPerMinute, turn } = state;
  finishReport(report, { ...poll, endedMs: Date.now(), last, intervalSeconds, requestsPerMinute, turn });
  if (report.advice && !last.hadAdvice) log.warn(report.advice);
  polls.ended(report);
  return report;

  async function fetch(from: Cursor | undefined): Promise<FetchedTargets> {
    const after = from?.group === 'dormant' ? from.dormant?.after : from?.after;
    const summary = from ? `${from.group} targets after ${after ?? 'the start'}` : 'targets from the start';
    const fetched = await fetchTargets.executeWithOptions({ summary }, [
      { poll, ...(from && { from }), last: state.last },
    ]);
    if (fetched.opened) {
      state.intervalSeconds = fetched.opened.intervalSeconds;
      state.requestsPerMinute = fetched.opened.requestsPerMinute;
      report.stateLost = fetched.opened.stateLost;
      // Unless a comparison knows better: a poll that has nothing to compare has a live set all the same.
      report.live = fetched.opened.live ?? 0;
      if (fetched.opened.rhythm) report.rhythm = fetched.opened.rhythm;
    }
    if (fetched.turn) state.turn = fetched.turn;
    return fetched;
  }

  /** Follows one batch through all its pages. */
  async function pollBatch(batch: Batch, known: number): Promise<void> {
    const chain = startChain(batch.kind, known);
    let step: Step = { page: 0 };
    while (step !== 'end') {
      const { page, after }: { page: number; after?: string } = step;
      try {
        const summary = summarizeRequest(batch, page);
        const seen = await pollPage.executeWithOptions({ summary }, [
          { poll, batch, page, ...(after !== undefined && { after }) },
        ]);
        report.pages += 1;
        report.requests += 1;
        if (batch.kind === 'game') report.gameRequests += 1;
        noteFailedRequests(report, seen.failedRequests);
        slices.addPage({ batch: batch.no, page, streams: seen.streams }, seen.unseen);
        step = afterPage(chain, seen, takesNewSteps);
      } catch (error) {
        const cause = activityFailureCause(error);
        noteFailedRequests(report, cause.failedRequests);
        if (cause.type === 'TwitchInvalidCursor') {
          step = afterInvalidCursor(chain, takesNewSteps);
          continue;
        }
        report.failedBatches += 1;
        noteProblem(report, cause.message);
        return;
      }
    }
    if (chain.complete) slices.addComplete(batch);
    else report.incompleteBatches += 1;
  }
}

function openingState(): Resume {
  const { workflowId, firstExecutionRunId, startTime, lastResult } = workflowInfo();
  const poll = { id: pollIdOf(workflowId, firstExecutionRunId), startedMs: startTime.getTime() };
  return {
    poll,
    intervalSeconds: 0,
    requestsPerMinute: 0,
    last: readLastReport(lastResult),
    from: { group: 'user' },
    diffs: 0,
    report: newReport(poll.id, poll.startedMs),
  };
}

/** What one request asks for; `known`: how many streams of it are known to be live, 0 if that is not known. */
interface Cut {
  kind: Batch['kind'];
  ids: string[];
  known: number;
  behind: Cursor;
}

function* cutBatches({ parts }: FetchedTargets): Generator<Cut> {
  for (const { from, ids: all, groups } of parts) {
    let at = 0;
    for (let i = 0; at < all.length; i += 1) {
      const { size = IDS_PER_BATCH, live = 0 } = groups?.[i] ?? {};
      const ids = all.slice(at, at + size);
      at += size;
      const behind = advance(from, all.slice(0, at));
      yield { kind: from.group === 'game' ? 'game' : 'user', ids, known: live, behind };
    }
  }
}

/** What made an activity fail, in words; anything else (a cancelled workflow) is thrown on. */
function activityFailureCause(error: unknown): { type: string; message: string; failedRequests: string[] } {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) {
    return { type: '', message: cause?.message ?? error.message, failedRequests: ['timeout'] };
  }
  const failedRequests = cause.details?.[0];
  return {
    type: cause.type ?? '',
    message: cause.message,
    failedRequests: Array.isArray(failedRequests) ? failedRequests.map(String) : [],
  };
}

function summarizeRequest({ no, kind, ids }: Batch, page: number): string {
  const range = ids.length === 1 ? ids[0] : `${ids[0]} to ${ids.at(-1)}`;
  return `batch ${no}: ${ids.length} ${kind} ids, ${range}${page > 0 ? `, page ${page + 1}` : ''}`;
}
