import { counted, duration } from '../../lib/words.ts';
import { MISSED_POLLS } from '../../poll/limits.ts';
import type { Alert, Snapshot } from '../alert.ts';
import { age, grown, last, metric } from '../promql.ts';

const RESUME = 'npm run client -- schedule resume';
/** A poll that takes long has room for one that takes longer. */
const staleAfter = `2 * (${last('poll_interval_seconds')} + ${last('last_poll_duration_seconds')})`;
const { intervals, leastSeconds } = MISSED_POLLS;
const LAG = { seconds: 10, events: 5 };

const ageSeconds = ({ nowMs }: Snapshot, thenMs: number) => (nowMs - thenMs) / 1_000;

function isStale(snapshot: Snapshot): boolean {
  const { lastPoll, intervalSeconds } = snapshot;
  if (!lastPoll) return false;
  return ageSeconds(snapshot, lastPoll.endMs) > 2 * (intervalSeconds + lastPoll.durationMs / 1_000);
}

/** Since when polls have missed something that they have to mend by themselves. */
function forLong(snapshot: Snapshot, sinceMs: number): boolean {
  return ageSeconds(snapshot, sinceMs) > Math.max(intervals * snapshot.intervalSeconds, leastSeconds);
}

/** Whether polls happen, and reach what they should. */
export const pollAlerts: readonly Alert[] = [
  {
    name: 'PollStale',
    severity: 'critical',
    summary: 'No poll has ended for two intervals: nothing is detected',
    advice: 'npm run client -- status tells whether the schedule, the workers or a service stand still',
    // No `for`: an age only grows, so it can't be true by chance.
    expr: `${age('last_poll_timestamp_seconds')} > ${staleAfter}`,
    forSeconds: 0,
    here: {
      scope: 'system',
      judge: (snapshot) => {
        const { lastPoll } = snapshot;
        if (!lastPoll) return undefined;
        return isStale(snapshot) && `the last poll ended ${duration(snapshot.nowMs - lastPoll.endMs)} ago`;
      },
    },
  },
  {
    name: 'PollsPartial',
    severity: 'warning',
    summary: 'Polls end, but none has been complete for long',
    advice: 'npm run client -- polls names what fails',
    expr:
      `(${age('last_complete_poll_timestamp_seconds')} > ${intervals} * ${last('poll_interval_seconds')})` +
      ` and (${age('last_complete_poll_timestamp_seconds')} > ${leastSeconds})` +
      ` unless (${age('last_poll_timestamp_seconds')} > ${staleAfter})`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: (snapshot) => {
        const { lastCompleteMs } = snapshot;
        if (lastCompleteMs === undefined || isStale(snapshot)) return undefined;
        if (!forLong(snapshot, lastCompleteMs)) return false;
        const why = snapshot.reports?.[0]?.problems[0];
        return `the last complete poll ended ${duration(snapshot.nowMs - lastCompleteMs)} ago${why ? `: ${why}` : ''}`;
      },
    },
  },
  {
    name: 'TargetsUnpolled',
    severity: 'warning',
    summary: 'Polls have not reached some targets for long',
    advice: 'npm run client -- status names them and the reason',
    expr: `max by (job) (${metric('unpolled_targets')}) > 0`,
    forSeconds: leastSeconds,
    here: {
      scope: 'system',
      judge: ({ reports }) => {
        const [report] = reports ?? [];
        if (!report) return undefined;
        const { unpolled = [] } = report;
        const [first] = unpolled;
        if (!first) return false;
        const targets = unpolled.reduce((sum, range) => sum + range.targets, 0);
        return `${counted(targets, 'target')}, such as ${first.kind} ${first.first} to ${first.last}`;
      },
    },
  },
  {
    name: 'SchedulePaused',
    severity: 'warning',
    summary: 'Polling is paused: nothing is detected',
    advice: RESUME,
    expr: `max by (job) (${metric('schedule_paused')}) == 1`,
    forSeconds: 0,
    here: {
      scope: 'system',
      judge: ({ schedule }) => {
        if (schedule === undefined) return undefined;
        return schedule?.paused === true && (schedule.note || 'no reason was noted');
      },
    },
  },
  {
    name: 'ScheduleMissing',
    severity: 'critical',
    summary: 'There is no schedule: nothing is polled',
    advice: 'npm run client -- schedule apply',
    expr: `max by (job) (${metric('schedule_exists')}) == 0`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: ({ schedule }) => (schedule === undefined ? undefined : schedule === null && 'Temporal knows of none'),
    },
  },
  {
    name: 'LagHigh',
    severity: 'warning',
    summary: `One event in ten takes more than ${LAG.seconds} s from its detection to the broker's confirm`,
    advice: 'look at the times of steps of a poll in Temporal’s Web UI, and at the load of store, broker and workers',
    expr:
      `histogram_quantile(0.9, sum by (job, le) (rate(${metric('detection_lag_seconds_bucket')}{since="seen"}[15m]))) > ${LAG.seconds}` +
      ` and sum by (job) (increase(${metric('detection_lag_seconds_count')}{since="seen"}[15m])) >= ${LAG.events}`,
    forSeconds: 300,
    here: {
      scope: 'system',
      judge: ({ lagsSeconds }) => {
        if (!lagsSeconds) return undefined;
        if (lagsSeconds.length < LAG.events) return false;
        const sorted = lagsSeconds.toSorted((a, b) => a - b);
        const tenth = sorted[Math.ceil(0.9 * sorted.length) - 1] ?? 0;
        return tenth > LAG.seconds && `one event in ten took ${duration(1_000 * tenth)} or longer`;
      },
    },
  },
  {
    name: 'StateLost',
    severity: 'critical',
    summary: 'The store came back without its data',
    advice: 'add the targets again that the client had added: npm run client -- targets list shows what is left',
    expr: `${grown(metric('state_lost_total'), '15m')} > 0`,
    forSeconds: 0,
    here: {
      scope: 'system',
      judge: ({ reports }) => {
        if (!reports) return undefined;
        const report = reports.find(({ stateLost }) => stateLost);
        return report !== undefined && `found by the poll of ${report.startedAt}`;
      },
    },
  },
];
