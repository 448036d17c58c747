import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { alertRules } from '../../scripts/alertRules.ts';
import { ALERTS, runbookOf } from '../../src/alerts/table.ts';
import { temporaryFolder } from '../support/program.ts';
import { promtool } from './promtool.ts';
import { always, NORMAL, names, rising, STEP_SECONDS, STEPS } from './series.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const { ours, sdk, up, memory } = names;

/** What a cause changes of an hour in which all is well, and what Prometheus must make of it; times in minutes. */
interface Case {
  alert: string;
  what: string;
  /** `null` takes a series away. */
  series: Record<string, string | null>;
  firing?: number[];
  quiet?: number[];
  /** More labels than the job. */
  labels?: Record<string, string>;
}

const steps = (minutes: number) => (60 * minutes) / STEP_SECONDS;
/** As ever for ten minutes, then otherwise for so many, then as ever. */
const between = (usual: number, other: number, minutes = 15) =>
  `${usual}x${steps(10) - 1} ${other}x${steps(minutes) - 1} ${usual}x${STEPS}`;
/** A time that stands still from the tenth minute on: for good, or until it catches up. */
const standing = (untilMinute?: number) => {
  const still = `0+15x${steps(10)} ${steps(10) * STEP_SECONDS}x`;
  if (untilMinute === undefined) return `${still}${STEPS}`;
  return `${still}${steps(untilMinute - 10) - 2} ${60 * untilMinute}+15x${STEPS}`;
};
/** Everything that a worker exposes, gone from the tenth minute on; `up` is what Prometheus itself notes. */
const gone = (isUp: string | null): Case['series'] => ({
  ...Object.fromEntries(
    Object.entries(NORMAL).map(([name, values]) => [name, `${values.replace(/x\d+$/, `x${steps(10)}`)} stale`]),
  ),
  [up]: isUp,
});
const LATE = { 'le="0.1"': 0, 'le="30"': 2, 'le="+Inf"': 2 };

const CASES: Case[] = [
  {
    alert: 'PollStale',
    what: 'while the schedule is paused, two intervals and a minute after the last poll, and until polls end again',
    series: { [ours('last_poll_timestamp_seconds')]: standing(20) },
    quiet: [5, 10, 11, 22],
    firing: [12, 19],
  },
  {
    alert: 'PollStale',
    what: 'when the worker is gone with its metrics, and hours later still',
    series: gone(between(1, 0, 50)),
    quiet: [10],
    firing: [12, 55, 180],
  },
  {
    alert: 'PollStale',
    what: 'when the worker is gone and not even looked for',
    series: gone(null),
    quiet: [10],
    firing: [12, 55],
  },
  {
    alert: 'PollStale',
    what: 'not while polls take longer than the interval',
    series: {
      [ours('last_poll_duration_seconds')]: always(300),
      // One ended every five minutes.
      [ours('last_poll_timestamp_seconds')]: Array.from({ length: 12 }, (_, i) => `${300 * i}x19`).join(' '),
    },
    quiet: [4, 9, 14, 29, 44],
  },
  {
    alert: 'PollsPartial',
    what: 'ten minutes after the last complete poll, while others end',
    series: { [ours('last_complete_poll_timestamp_seconds')]: standing(40) },
    quiet: [5, 15, 20, 42],
    firing: [22, 39],
  },
  {
    alert: 'PollsPartial',
    what: 'not when no poll ends at all: that is another alert',
    series: {
      [ours('last_complete_poll_timestamp_seconds')]: standing(),
      [ours('last_poll_timestamp_seconds')]: standing(),
    },
    quiet: [11, 25, 50],
  },
  {
    alert: 'TargetsUnpolled',
    what: 'after ten minutes with targets that are not reached',
    series: { [ours('unpolled_targets')]: between(0, 100, 20) },
    quiet: [9, 19, 31],
    firing: [21, 29],
  },
  {
    alert: 'SchedulePaused',
    what: 'at once',
    series: { [ours('schedule_paused')]: between(0, 1) },
    quiet: [9, 27],
    firing: [11, 24],
  },
  {
    alert: 'ScheduleMissing',
    what: 'after a minute, also when its other gauges have gone with it',
    series: { [ours('schedule_exists')]: between(1, 0), [ours('schedule_paused')]: null },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'LagHigh',
    what: 'when one event in ten takes long',
    series: Object.fromEntries(
      Object.entries(LATE).map(([le, by]) => [ours('detection_lag_seconds_bucket', `since="seen", ${le}`), rising(by)]),
    ),
    quiet: [2],
    firing: [20],
  },
  {
    alert: 'LagHigh',
    what: 'not for a single event that was late',
    series: {
      [ours('detection_lag_seconds_bucket', 'since="seen", le="0.1"')]: always(0),
      [ours('detection_lag_seconds_bucket', 'since="seen", le="30"')]: `0x20 1x${STEPS}`,
      [ours('detection_lag_seconds_bucket', 'since="seen", le="+Inf"')]: `0x20 1x${STEPS}`,
      [ours('detection_lag_seconds_count', 'since="seen"')]: `0x20 1x${STEPS}`,
    },
    quiet: [6, 12, 20],
  },
  {
    alert: 'StateLost',
    what: 'for a quarter of an hour after it was found',
    series: { [ours('state_lost_total')]: `0x${steps(10)} 1x${STEPS}` },
    quiet: [9, 28],
    firing: [11, 24],
  },
  {
    alert: 'StateLost',
    what: 'not because a worker starts again, or another is found',
    series: {
      [ours('state_lost_total')]: `5x20 0x${STEPS}`,
      [ours('state_lost_total').replace('worker', 'other')]: `_x40 0x${STEPS}`,
    },
    quiet: [6, 11, 20],
  },
  {
    alert: 'TwitchFailing',
    what: 'while a tenth of the requests fail, by their status',
    series: {
      [ours('helix_requests_total', 'endpoint="streams", status="503"')]: `0x${steps(10)} 0+5x60 300x${STEPS}`,
    },
    labels: { status: '503' },
    quiet: [9, 11, 32],
    firing: [14, 24],
  },
  {
    alert: 'TwitchFailing',
    what: 'when nothing is answered at all, from a counter that was not there before',
    series: {
      [ours('helix_requests_total', 'endpoint="streams", status="network"')]: `_x${steps(10)} 1+5x60 stale`,
      [ours('helix_requests_total', 'endpoint="streams", status="200"')]: `0+10x${steps(10)} 400x${STEPS}`,
    },
    labels: { status: 'network' },
    quiet: [9, 11],
    firing: [14, 24],
  },
  {
    alert: 'TokenRejected',
    what: 'after a minute',
    series: { [ours('token_valid')]: between(1, 0) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'BudgetExhausted',
    what: 'after ten minutes in which the interval is not kept',
    series: { [ours('interval_kept')]: between(1, 0, 20) },
    quiet: [9, 19, 32],
    firing: [21, 29],
  },
  {
    alert: 'BudgetShared',
    what: 'after five minutes in which requests are spaced',
    series: { [ours('helix_pace_seconds')]: between(0, 0.3) },
    quiet: [9, 14, 27],
    firing: [16, 24],
  },
  {
    alert: 'BrokerUnavailable',
    what: 'after a minute',
    series: { [ours('broker_ready')]: between(1, 0) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'BrokerUnavailable',
    what: 'not for a restart of the broker, nor while it is blocked',
    series: {
      [ours('broker_ready')]: `1x20 0x1 1x20 0x${STEPS}`,
      [ours('broker_blocked')]: `0x42 1x${STEPS}`,
    },
    quiet: [6, 12, 20],
  },
  {
    alert: 'BrokerBlocked',
    what: 'after a minute',
    series: { [ours('broker_blocked')]: between(0, 1), [ours('broker_ready')]: between(1, 0) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'EventsUndelivered',
    what: 'after a minute',
    series: { [ours('undelivered_deliveries')]: between(0, 2) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'MessagesReturned',
    what: 'for ten minutes after the last one',
    series: { [ours('publish_results_total', 'result="returned"')]: `0x${steps(10)} 1x${STEPS}` },
    quiet: [9, 22],
    firing: [11, 19],
  },
  {
    alert: 'MessagesReturned',
    what: 'also when the counter appears with its first value',
    series: { [ours('publish_results_total', 'result="returned"')]: `_x${steps(10)} 1x${STEPS}` },
    quiet: [9, 22],
    firing: [11, 19],
  },
  {
    alert: 'DeadLetters',
    what: 'after a minute, until they are gone',
    series: { [ours('queue_messages', 'queue="dead"')]: between(0, 1) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'StoreUnavailable',
    what: 'after a minute',
    series: { [ours('store_ready')]: between(1, 0) },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'TemporalUnavailable',
    what: 'after a minute, although what Temporal knows is no longer exposed',
    series: {
      [ours('temporal_ready')]: between(1, 0),
      [ours('schedule_exists')]: `1x${steps(10)} stale`,
      [ours('schedule_paused')]: `0x${steps(10)} stale`,
    },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'WorkerDown',
    what: 'after a minute in which it can’t be scraped',
    series: gone(between(1, 0)),
    labels: { instance: 'worker:8080' },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'WorkerDown',
    what: 'also when the address of the last one is gone',
    series: gone(`1x${steps(10)} stale`),
    quiet: [9],
    firing: [12, 55],
  },
  {
    alert: 'WorkerDown',
    what: 'not for a job in which there never was a stream-poller',
    series: { 'up{job="postgres", instance="db:9187"}': always(0) },
    quiet: [5, 20],
  },
  {
    alert: 'PollersGone',
    what: 'after five minutes in which nobody polls a task queue',
    series: {
      [sdk('num_pollers', 'task_queue="twitch-helix", poller_type="activity_task"')]: between(5, 0),
    },
    labels: { task_queue: 'twitch-helix', poller_type: 'activity_task' },
    quiet: [9, 14, 27],
    firing: [16, 24],
  },
  {
    alert: 'WorkflowTaskFailing',
    what: 'for a quarter of an hour after code did not fit a history, from a counter that was not there before',
    series: {
      [sdk('workflow_task_execution_failed_total', 'failure_reason="NonDeterminismError"')]:
        `_x${steps(10)} 1x${STEPS}`,
    },
    labels: { failure_reason: 'NonDeterminismError' },
    quiet: [9, 27],
    firing: [12, 24],
  },
  {
    alert: 'WorkflowTasksWaiting',
    what: 'after five minutes in which tasks wait',
    series: {
      [sdk('workflow_task_schedule_to_start_latency_seconds_bucket', 'task_queue="stream-poller", le="1"')]: always(0),
      [sdk('workflow_task_schedule_to_start_latency_seconds_bucket', 'task_queue="stream-poller", le="10"')]: rising(5),
    },
    labels: { task_queue: 'stream-poller' },
    quiet: [3],
    firing: [10],
  },
  {
    alert: 'TemporalThrottled',
    what: 'while starts are refused, and not for polls of a task queue',
    series: {
      [sdk('request_failure_total', 'status_code="RESOURCE_EXHAUSTED", operation="SignalWorkflowExecution"')]:
        `_x${steps(10)} 1+1x20 21x${STEPS}`,
      [sdk('request_failure_total', 'status_code="RESOURCE_EXHAUSTED", operation="PollActivityTaskQueue"')]: rising(1),
    },
    quiet: [9, 23],
    firing: [12, 19],
  },
  {
    alert: 'MemoryNearLimit',
    what: 'after five minutes, and nowhere without a limit',
    series: {
      [memory]: between(200e6, 500e6),
      [memory.replace('worker', 'other')]: always(9e9),
    },
    labels: { instance: 'worker:8080' },
    quiet: [9, 14, 27],
    firing: [16, 24],
  },
];

describe('the alert rules', () => {
  const dir = temporaryFolder();
  const rules = join(dir, 'alerts.yml');
  before(() => writeFileSync(rules, alertRules()));

  it('are those of the table (npm run alert-rules writes them)', () => {
    assert.equal(readFileSync(join(ROOT, 'deploy/prometheus/alerts.yml'), 'utf8'), alertRules());
  });

  it('and the configuration that loads them are what Prometheus takes', async () => {
    const { ok, output } = await promtool(['check', 'config', join(ROOT, 'deploy/prometheus/prometheus.yml')]);
    assert.ok(ok, output);
  });

  it('each have a cause here', () => {
    const without = ALERTS.filter(({ name }) => !CASES.some((each) => each.alert === name && each.firing));
    assert.deepEqual(
      without.map(({ name }) => name),
      [],
    );
  });

  it('fire on their causes, clear, and are quiet while all is well', { timeout: 120_000 }, async () => {
    const quietHour = {
      name: 'all is well',
      interval: `${STEP_SECONDS}s`,
      input_series: seriesOf({}),
      alert_rule_test: ALERTS.flatMap(({ name }) =>
        [3, 20, 40, 58].map((minute) => ({ eval_time: `${minute}m`, alertname: name, exp_alerts: [] })),
      ),
    };
    const file = join(dir, 'tests.yml');
    writeFileSync(
      file,
      stringify({ rule_files: [rules], evaluation_interval: '15s', tests: [quietHour, ...CASES.map(testOf)] }),
    );
    const { ok, output } = await promtool(['test', 'rules', file]);
    assert.ok(ok, output.slice(0, 8_000));
  });
});

function seriesOf(changes: Case['series']): { series: string; values: string }[] {
  const all: Record<string, string | null> = { ...NORMAL, ...changes };
  return Object.entries(all).flatMap(([series, values]) => (values === null ? [] : [{ series, values }]));
}

function testOf({ alert, what, series, firing = [], quiet = [], labels = {} }: Case) {
  const found = ALERTS.find(({ name }) => name === alert);
  assert.ok(found, alert);
  const { severity, summary, advice, name } = found;
  const exp_alerts = [
    {
      exp_labels: { severity, job: 'stream-poller', ...labels },
      exp_annotations: { summary, advice, runbook: runbookOf(name) },
    },
  ];
  return {
    name: `${alert}: ${what}`,
    interval: `${STEP_SECONDS}s`,
    input_series: seriesOf(series),
    alert_rule_test: [
      ...quiet.map((minute) => ({ eval_time: `${minute}m`, alertname: alert, exp_alerts: [] })),
      ...firing.map((minute) => ({ eval_time: `${minute}m`, alertname: alert, exp_alerts })),
    ],
  };
}
