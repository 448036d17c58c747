import type { Snapshot } from '../../alerts/alert.ts';
import type { CheckResult } from '../../http/check.ts';
import { within } from '../../lib/deadline.ts';
import { ALERTS } from '../../poll/limits.ts';
import type { PollReport } from '../../poll/report.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';
import type { Observations } from '../../status/observe.ts';
import type { Announcement } from '../../storage/feed.ts';
import { REPORTS_KEPT } from '../../storage/polls.ts';
import type { Store } from '../../storage/store.ts';
import type { TwitchClient } from '../../twitch/client.ts';
import { type LastTenMinutes, RecentPolls } from './recent.ts';

export interface LookParts {
  store: Pick<Store, 'polls' | 'feed'>;
  twitch: Pick<TwitchClient, 'tokenStatus' | 'paceMs'>;
  publisher: Pick<RabbitPublisher, 'status'>;
  /** Messages that the broker returned. */
  returned: Pick<LastTenMinutes, 'count'>;
  /** Never rejects. */
  checks: () => Promise<Record<'temporal' | 'dragonfly', CheckResult>>;
  /** Never rejects. */
  observed: () => Promise<Observations>;
  settings: { intervalSeconds: number };
}

const NEWEST_REPORTS = 20;
const NEWEST_EVENTS = 200;
const LAG_WINDOW_MS = 15 * 60_000;
/** What the system says where there is no limit is a number of that size. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * Looks at what a worker knows: of itself, and if asked for all, of the system. Never rejects for a service that is away, and
 * answers in bounded time.
 */
export function lookAt(parts: LookParts): (all: boolean) => Promise<Snapshot> {
  const { store, settings } = parts;
  const recent = new RecentPolls();
  let intervalSeconds = settings.intervalSeconds;
  let read = false;

  async function readReports(): Promise<void> {
    const reports = await store.polls.reports(read ? NEWEST_REPORTS : REPORTS_KEPT);
    recent.note(reports, Date.now());
    read = true;
  }

  async function ofSystem(): Promise<Partial<Snapshot>> {
    const [observed, events] = await Promise.all([
      inTime(parts.observed()),
      inTime(store.feed.before(undefined, NEWEST_EVENTS)),
      inTime(readReports()),
    ]);
    const { schedule, deliveries, workers, queues, deadQueue = '' } = observed ?? {};
    // The store may have lost the reports: Temporal has the last one, too.
    if (schedule?.lastCompleted) recent.note([schedule.lastCompleted.report as PollReport], Date.now());
    intervalSeconds = schedule?.intervalSeconds ?? intervalSeconds;
    const dead = queues?.[deadQueue];
    const running = schedule?.runs.find(({ status }) => status === 'RUNNING');
    const { failingTask } = running ?? {};
    return {
      ...recent.view(),
      ...(schedule !== undefined && { schedule }),
      ...(deliveries !== undefined && { deliveries }),
      ...(workers && { workers }),
      ...(dead !== undefined && { deadLetters: dead?.messages ?? 0 }),
      ...(running && failingTask && { failingTask: { workflowId: running.workflowId, attempt: failingTask } }),
      ...(events && { lagsSeconds: lagsOf(events.announcements) }),
    };
  }

  return async (all) => {
    const [checks, system] = await Promise.all([inTime(parts.checks()), all ? ofSystem() : {}]);
    const usedBytes = process.memoryUsage.rss();
    const limitBytes = process.constrainedMemory();
    return {
      nowMs: Date.now(),
      intervalSeconds,
      ...(checks && { temporal: checks.temporal, store: checks.dragonfly }),
      broker: parts.publisher.status(),
      token: parts.twitch.tokenStatus(),
      paceMs: parts.twitch.paceMs,
      returned: parts.returned.count,
      ...(limitBytes > 0 && limitBytes < NO_LIMIT_BYTES && { memory: { usedBytes, limitBytes } }),
      ...system,
    };
  };
}

/** Of the events that were announced lately. */
function lagsOf(announcements: readonly Announcement[]): number[] {
  const sinceMs = Date.now() - LAG_WINDOW_MS;
  return announcements
    .filter(({ state, at }) => state === 'announced' && Date.parse(at) >= sinceMs)
    .map(({ at, detectedAt }) => (Date.parse(at) - Date.parse(detectedAt)) / 1_000);
}

/** What came in time; undefined if it did not, or failed: it is not known this time. */
function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  return within(ALERTS.lookMs, work).catch(() => undefined);
}
