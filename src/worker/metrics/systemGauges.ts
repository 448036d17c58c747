import type { Observations } from '../../status/observe.ts';
import type { EndedPoll } from './lastPolls.ts';

type ByKind = { user: number; game: number };

/** What is known of the system at a scrape; what could not be read is absent. */
export interface SystemView {
  nowMs: number;
  settings: { intervalSeconds: number; requestsPerMinute: number };
  /** Remembered, so that the age of the last poll is told also while nothing can be read. */
  last?: EndedPoll | undefined;
  lastComplete?: EndedPoll | undefined;
  /** Of the schedule, as it was last seen. */
  intervalSeconds?: number | undefined;
  counts?: { targets: ByKind; hot: number; refused: ByKind; live: number } | undefined;
  observed?: Omit<Observations, 'failures'> | undefined;
}

interface SystemGauge {
  name: string;
  help: string;
  labels?: readonly string[];
  /** One value, or one for each of some labels. */
  read: (view: SystemView) => number | null | undefined | [labels: Record<string, string>, value: number | undefined][];
}

/** What is told the same by every worker. */
export const SYSTEM_GAUGES: readonly SystemGauge[] = [
  {
    name: 'poll_interval_seconds',
    help: "The schedule's interval as it was last seen, else that of this worker's settings",
    read: ({ intervalSeconds, settings }) => intervalSeconds ?? settings.intervalSeconds,
  },
  {
    name: 'request_budget_per_minute',
    help: 'Helix requests a minute that all workers together may send (TWITCH_REQUESTS_PER_MINUTE)',
    read: ({ settings }) => settings.requestsPerMinute,
  },
  {
    name: 'last_poll_timestamp_seconds',
    help: 'End of the newest poll that ended well, complete or not (Unix time); remembered while nothing can be read',
    read: ({ last }) => last && last.endedMs / 1_000,
  },
  {
    name: 'last_complete_poll_timestamp_seconds',
    help: 'End of the newest poll that reached every target it went over (Unix time); remembered while nothing can be read',
    read: ({ lastComplete }) => lastComplete && lastComplete.endedMs / 1_000,
  },
  {
    name: 'last_poll_duration_seconds',
    help: 'How long the newest poll took',
    read: ({ last }) => last && Number(last.report.durationMs) / 1_000,
  },
  {
    name: 'last_poll_requests',
    help: 'Helix requests of the newest poll, failed ones included',
    read: ({ last }) => last?.report.requests,
  },
  {
    name: 'last_poll_failed_batches',
    help: 'Batches that the newest poll did not reach',
    read: ({ last }) => last?.report.failedBatches,
  },
  {
    name: 'budget_used_ratio',
    help: 'Requests of the newest poll a minute of the longer of its duration and the interval, as a share of the budget',
    read: ({ last, intervalSeconds, settings }) => {
      if (!last) return undefined;
      const { requests, durationMs } = last.report;
      const seconds = Math.max(Number(durationMs) / 1_000, intervalSeconds ?? settings.intervalSeconds);
      return (Number(requests) * 60) / seconds / settings.requestsPerMinute;
    },
  },
  {
    name: 'interval_kept',
    help: '1 if the request budget is enough to keep the poll interval, else 0: the report says what would',
    read: ({ last }) => last && Number(!last.report.advice),
  },
  {
    name: 'oldest_target_seconds',
    help: 'How long ago the target was polled that waits the longest',
    read: ({ last, nowMs }) =>
      last?.report.oldestTargetSeconds === undefined
        ? undefined
        : last.report.oldestTargetSeconds + Math.max(0, nowMs - last.endedMs) / 1_000,
  },
  {
    name: 'unpolled_targets',
    help: 'Targets that the newest poll, or the last turn of their tier, did not reach',
    read: ({ last }) => last && (last.report.unpolled ?? []).reduce((sum, { targets }) => sum + Number(targets), 0),
  },
  {
    name: 'undelivered_deliveries',
    help: 'Deliveries (deliverStreams workflows) that wait for the broker to confirm their events',
    read: ({ observed }) => observed?.deliveries,
  },
  {
    name: 'oldest_undelivered_seconds',
    help: 'Age of the oldest delivery that waits; 0 when nothing waits',
    read: ({ observed, nowMs }) => {
      if (observed?.deliveries === 0) return 0;
      const since = observed?.oldestDelivery;
      return since === undefined ? undefined : Math.max(0, nowMs - Date.parse(since)) / 1_000;
    },
  },
  {
    name: 'targets',
    help: 'Targets by kind: all, and users by how often they are polled when not all fit into an interval (hot, dormant)',
    labels: ['kind', 'class'],
    read: ({ counts }) =>
      counts && [
        [{ kind: 'user', class: 'all' }, counts.targets.user],
        [{ kind: 'user', class: 'hot' }, counts.hot],
        [{ kind: 'user', class: 'dormant' }, Math.max(0, counts.targets.user - counts.hot)],
        [{ kind: 'game', class: 'all' }, counts.targets.game],
      ],
  },
  {
    name: 'refused_targets',
    help: 'Targets that Twitch refuses: they are set aside',
    labels: ['kind'],
    read: ({ counts }) =>
      counts && [
        [{ kind: 'user' }, counts.refused.user],
        [{ kind: 'game' }, counts.refused.game],
      ],
  },
  {
    name: 'gone_users',
    help: 'User targets that Twitch no longer knows, at the newest poll',
    read: ({ last }) => last && (last.report.gone ?? 0),
  },
  { name: 'live_streams', help: 'Size of the live set', read: ({ counts }) => counts?.live },
  {
    name: 'queue_messages',
    help: "Messages that are ready in the broker's queues: events for consumers, and dead letters",
    labels: ['queue'],
    read: ({ observed }) => [
      [{ queue: 'events' }, queueOf(observed, 'events')?.messages],
      [{ queue: 'dead' }, queueOf(observed, 'dead')?.messages],
    ],
  },
  {
    name: 'queue_consumers',
    help: 'Consumers of the queue of events',
    labels: ['queue'],
    read: ({ observed }) => [[{ queue: 'events' }, queueOf(observed, 'events')?.consumers]],
  },
  {
    name: 'workers',
    help: 'Worker processes that ask for work, by task queue; one that was killed counts for another minute',
    labels: ['task_queue'],
    read: ({ observed }) => observed?.workers?.map(({ taskQueue, workers }) => [{ task_queue: taskQueue }, workers]),
  },
  {
    name: 'schedule_exists',
    help: '1 if there is a schedule, else 0: without one nothing is polled',
    read: ({ observed }) => (observed?.schedule === undefined ? undefined : Number(observed.schedule !== null)),
  },
  {
    name: 'schedule_paused',
    help: '1 while the schedule is paused, else 0',
    read: ({ observed }) => observed?.schedule && Number(observed.schedule.paused),
  },
  {
    name: 'settings_differ',
    help: '1 while workers name different targets in their settings, else 0',
    // Told with the targets, when it is so.
    read: ({ observed }) => observed?.targets && Number(observed.settingsDiffer !== undefined),
  },
];

function queueOf(observed: SystemView['observed'], which: 'events' | 'dead') {
  const found = Object.entries(observed?.queues ?? {}).find(
    ([queue]) => (queue === observed?.deadQueue) === (which === 'dead'),
  );
  return found?.[1];
}
