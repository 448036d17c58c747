import type { ApiTarget, ApiTargetDetail } from '../http/api/targetSchemas.ts';
import { within } from '../lib/deadline.ts';
import { nextPollOf, REPORTS_FOR_FREQUENCY } from '../poll/pollingFrequency.ts';
import { readUnpolled } from '../poll/unpolled.ts';
import type { Observations } from '../status/observe.ts';
import type { Store } from '../storage/store.ts';

/** For the schedule's state: without it the times are estimated from the polls before. */
const SCHEDULE_MS = 300;

/** When a target is polled next, and whether polls reach it, by what the latest polls have reported. */
export async function outlookOf(
  { store, observed }: { store: Store; observed: () => Promise<Observations> },
  { kind, id, refused }: ApiTarget,
): Promise<Pick<ApiTargetDetail, 'nextPoll' | 'unreachedSince'>> {
  const { targets, polls } = store;
  const [reports, hot, { schedule }] = await Promise.all([
    polls.reports(REPORTS_FOR_FREQUENCY),
    kind === 'user' ? targets.hotAmong([id]) : new Set<string>(),
    within(SCHEDULE_MS, observed()).catch(() => ({ schedule: undefined })),
  ]);
  const [last] = reports;
  const usersUntil = kind === 'user' && last?.rhythm ? await targets.usersUntil(id, last.turn?.after) : 0;
  const { why, atMs } = nextPollOf(
    { kind, hot: hot.has(id), retryAtMs: refused && Date.parse(refused.retryAt), usersUntil },
    {
      reports,
      paused: schedule?.paused,
      nextRunMs: schedule?.nextRuns[0] === undefined ? undefined : Date.parse(schedule.nextRuns[0]),
      nowMs: Date.now(),
    },
  );
  const unreached = readUnpolled(last?.unpolled).find(
    (range) => range.kind === kind && range.first <= id && id <= range.last && (!range.hot || hot.has(id)),
  );
  return {
    nextPoll: { why, ...(atMs !== undefined && { at: new Date(atMs).toISOString() }) },
    ...(unreached && { unreachedSince: new Date(unreached.missedMs).toISOString() }),
  };
}
