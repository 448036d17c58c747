import { continueAsNew, log, proxySinks, workflowInfo } from '@temporalio/workflow';
import { REQUEST_WINDOW } from '../poll/limits.ts';
import { pollIdOf, twitchTaskQueueOf } from '../poll/names.ts';
import {
  finishReport,
  newReport,
  noteStoreVersion,
  type PollReport,
  type PollSinks,
  readLastReport,
} from '../poll/report.ts';
import type { FetchedTargets } from '../poll/steps.ts';
import { type Cursor, cutBatches, startWalk } from '../poll/walk.ts';
import { Batches } from './batches.ts';
import { checkInput, type PollInput, type Resume } from './input.ts';
import { fetchTargets, twitchActivities } from './proxies.ts';
import { Semaphore } from './semaphore.ts';
import { Slices } from './slices.ts';

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
  const twitch = twitchActivities(input.twitchTaskQueue ?? twitchTaskQueueOf(workflowInfo().taskQueue));
  const requests = new Semaphore(input.window ?? REQUEST_WINDOW);
  const slices = new Slices(state);
  const slicesDone = slices.run();
  const batches = new Batches(state, slices, twitch);

  let batchesLeft = input.batchesPerRun ?? Number.POSITIVE_INFINITY;
  let unfinished = false;
  try {
    let fetched: FetchedTargets | undefined = await fetch(input.resume && state.from);
    while (fetched && !unfinished) {
      // Read ahead, so that the rate-limited queue does not run dry between two reads.
      const ahead: Promise<FetchedTargets> | undefined = fetched.next && fetch(fetched.next);
      ahead?.catch(() => undefined); // It is awaited below, unless something else fails first.
      for (const cut of cutBatches(fetched.parts)) {
        if (batchesLeft-- <= 0 || workflowInfo().continueAsNewSuggested) {
          unfinished = true;
          break;
        }
        const no = report.batches++;
        report.targets += cut.ids.length;
        await requests.start(() => batches.poll(no, cut));
        state.from = cut.behind;
      }
      fetched = await ahead;
    }
    await requests.drain();
  } finally {
    slices.close();
    await slicesDone;
  }
  batches.noteLost(slices.lost);

  if (unfinished) return continueAsNew<typeof pollStreams>({ ...input, resume: state });
  const { last, intervalSeconds, requestsPerMinute, turn, missed = [] } = state;
  finishReport(report, { ...poll, endedMs: Date.now(), last, intervalSeconds, requestsPerMinute, turn, missed });
  if (report.advice && !last.hadAdvice) log.warn(report.advice);
  polls.ended(report);
  return report;

  async function fetch(from: Cursor | undefined): Promise<FetchedTargets> {
    const after = from?.group === 'dormant' ? from.dormant.after : from?.after;
    const summary = from ? `${from.group} targets after ${after ?? 'the start'}` : 'targets from the start';
    const fetched = await fetchTargets.executeWithOptions({ summary }, [
      { poll, ...(from && { from }), last: state.last },
    ]);
    const { opened } = fetched;
    if (opened) {
      if (opened.no !== undefined) poll.no = opened.no;
      noteStoreVersion(report, opened.no);
      state.intervalSeconds = opened.intervalSeconds;
      state.requestsPerMinute = opened.requestsPerMinute;
      report.stateLost = opened.stateLost;
      // Unless a comparison knows better: a poll that has nothing to compare has a live set all the same.
      report.live = opened.live ?? 0;
      report.refused += opened.refused ?? 0;
      if (opened.gone !== undefined) report.gone = opened.gone;
      if (opened.rhythm) report.rhythm = opened.rhythm;
      const { userChecks } = opened;
      if (userChecks !== undefined) await requests.start(() => batches.checkUsers(userChecks));
    }
    if (fetched.turn) state.turn = fetched.turn;
    return fetched;
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
    from: startWalk(),
    diffs: 0,
    report: newReport(poll.id, poll.startedMs),
  };
}
