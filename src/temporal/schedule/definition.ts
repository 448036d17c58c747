import { type ScheduleDescription, ScheduleOverlapPolicy, type ScheduleUpdateOptions } from '@temporalio/client';
import { CATCHUP_WINDOW_MS } from '../../poll/limits.ts';
import { DEFAULT_INSTANCE, POLL_WORKFLOW_TYPE, pollWorkflowId } from '../../poll/names.ts';

/** What distinguishes one installation's schedule from another's. */
export interface ScheduleSettings {
  /** The installation's name, which is the schedule's id and the polls' task queue. Default {@link DEFAULT_INSTANCE}. */
  instance?: string;
  /** Seconds from one poll's start to the next. */
  intervalSeconds: number;
}

function summary(intervalSeconds: number): string {
  return `Poll Twitch every ${intervalSeconds} s`;
}

/** The schedule as we want it; its state (pause, note) is the operator's. */
export function defineSchedule({ instance = DEFAULT_INSTANCE, intervalSeconds }: ScheduleSettings) {
  return {
    spec: { intervals: [{ every: intervalSeconds * 1_000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: POLL_WORKFLOW_TYPE,
      workflowId: pollWorkflowId(instance),
      taskQueue: instance,
      // No timeout of any kind: the history of a run that has claimed events is the only copy of them, and it must still
      // be there when the workers come back after days. What notices a poll that is stuck is `/readyz` and `status`.
      staticSummary: summary(intervalSeconds),
    },
    policies: {
      // Never two at once, and a poll that took longer than the interval is followed at once by the next.
      overlap: ScheduleOverlapPolicy.BUFFER_ONE,
      catchupWindow: CATCHUP_WINDOW_MS,
      // One bad poll must not stop all that would follow.
      pauseOnFailure: false,
    },
  } satisfies Omit<ScheduleUpdateOptions, 'state'>;
}

/** Whether the server's schedule is what {@link defineSchedule} asks for. */
export function isAsDefined(found: ScheduleDescription, settings: ScheduleSettings): boolean {
  const { spec, action, policies } = found;
  const wanted = defineSchedule(settings);
  const [interval, ...moreIntervals] = spec.intervals ?? [];
  const onlyThatInterval =
    interval?.every === settings.intervalSeconds * 1_000 &&
    !interval.offset &&
    moreIntervals.length === 0 &&
    !spec.calendars?.length &&
    !spec.skip?.length &&
    !spec.startAt &&
    !spec.endAt &&
    !spec.jitter;
  return (
    onlyThatInterval &&
    action.workflowType === wanted.action.workflowType &&
    action.workflowId === wanted.action.workflowId &&
    action.taskQueue === wanted.action.taskQueue &&
    !action.workflowExecutionTimeout &&
    !action.workflowRunTimeout &&
    !action.retry &&
    !action.args?.length &&
    action.staticSummary === wanted.action.staticSummary &&
    policies.overlap === wanted.policies.overlap &&
    policies.catchupWindow === wanted.policies.catchupWindow &&
    !policies.pauseOnFailure
  );
}

/** The Temporal CLI's command that creates the same schedule. `address` and `namespace` appear where not the default. */
export function scheduleCommand(
  { instance = DEFAULT_INSTANCE, intervalSeconds }: ScheduleSettings,
  { address, namespace }: { address?: string; namespace?: string } = {},
): string {
  const flags: [flag: string, value: string][] = [
    ['schedule-id', instance],
    ['interval', `${intervalSeconds}s`],
    ['overlap-policy', 'BufferOne'],
    ['catchup-window', `${CATCHUP_WINDOW_MS / 60_000}m`],
    ['workflow-id', pollWorkflowId(instance)],
    ['task-queue', instance],
    ['type', POLL_WORKFLOW_TYPE],
    ['static-summary', summary(intervalSeconds)],
  ];
  if (address && !/^(localhost|127\.0\.0\.1):7233$/.test(address)) flags.push(['address', address]);
  if (namespace && namespace !== 'default') flags.push(['namespace', namespace]);
  return `temporal schedule create ${flags.map(([flag, value]) => `--${flag} ${shellWord(value)}`).join(' ')}`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
