/** Series of one worker, a value every 15 s, in promtool's notation (`a+bxn`, `_` for no sample). */
export type Series = Record<string, string>;

export const STEP_SECONDS = 15;
export const STEPS = 240;

const W = 'job="stream-poller", instance="worker:8080"';
const ours = (name: string, labels = '') => `stream_poller_${name}{${W}${labels && `, ${labels}`}}`;
const sdk = (name: string, labels: string) => `temporal_${name}{${W}, ${labels}}`;

/** One worker's name for a metric, with its target's labels. */
export const names = { ours, sdk, up: `up{${W}}`, memory: `process_resident_memory_bytes{${W}}` };

/** The same value at each step. */
export const always = (value: number, steps = STEPS) => `${value}x${steps}`;
/** From 0 by so much a step. */
export const rising = (by: number, steps = STEPS) => `0+${by}x${steps}`;

/** An hour in which all is well: a poll every 30 s, a go-live now and then, a failure that the next attempt mended. */
export const NORMAL: Series = {
  [names.up]: always(1),
  [names.memory]: always(200e6),
  [ours('build_info')]: always(1),
  [ours('memory_limit_bytes')]: always(512e6),
  [ours('poll_interval_seconds')]: always(30),
  [ours('last_poll_duration_seconds')]: always(2),
  // A poll has just ended, or did 15 s ago.
  [ours('last_poll_timestamp_seconds')]: rising(STEP_SECONDS),
  [ours('last_complete_poll_timestamp_seconds')]: rising(STEP_SECONDS),
  [ours('unpolled_targets')]: always(0),
  [ours('schedule_exists')]: always(1),
  [ours('schedule_paused')]: always(0),
  [ours('state_lost_total')]: always(0),
  [ours('interval_kept')]: always(1),
  [ours('undelivered_deliveries')]: always(0),
  [ours('queue_messages', 'queue="dead"')]: always(0),
  [ours('queue_messages', 'queue="events"')]: always(3),
  [ours('temporal_ready')]: always(1),
  [ours('store_ready')]: always(1),
  [ours('broker_ready')]: always(1),
  [ours('broker_blocked')]: always(0),
  [ours('token_valid')]: always(1),
  [ours('helix_pace_seconds')]: always(0),
  [ours('helix_requests_total', 'endpoint="streams", status="200"')]: rising(10),
  [ours('helix_requests_total', 'endpoint="streams", status="503"')]: `0x20 1x${STEPS}`,
  [ours('helix_requests_total', 'endpoint="streams", status="400"')]: rising(3),
  [ours('publish_results_total', 'result="confirmed"')]: rising(2),
  [ours('publish_results_total', 'result="returned"')]: always(0),
  [ours('detection_lag_seconds_bucket', 'since="seen", le="0.1"')]: rising(2),
  [ours('detection_lag_seconds_bucket', 'since="seen", le="30"')]: rising(2),
  [ours('detection_lag_seconds_bucket', 'since="seen", le="+Inf"')]: rising(2),
  [ours('detection_lag_seconds_count', 'since="seen"')]: rising(2),
  [sdk('num_pollers', 'task_queue="stream-poller", poller_type="workflow_task"')]: always(5),
  [sdk('num_pollers', 'task_queue="twitch-helix", poller_type="activity_task"')]: always(5),
  [sdk('workflow_task_schedule_to_start_latency_seconds_bucket', 'task_queue="stream-poller", le="1"')]: rising(5),
  [sdk('workflow_task_schedule_to_start_latency_seconds_bucket', 'task_queue="stream-poller", le="+Inf"')]: rising(5),
  // By design: that is how requests are spaced.
  [sdk('activity_schedule_to_start_latency_seconds_bucket', 'task_queue="twitch-helix", le="1"')]: always(0),
  [sdk('activity_schedule_to_start_latency_seconds_bucket', 'task_queue="twitch-helix", le="+Inf"')]: rising(9),
};
