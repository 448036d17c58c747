import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { CATCHUP_WINDOW_MS } from '../../poll/limits.ts';
import { DEFAULT_INSTANCE, POLL_WORKFLOW_TYPE, pollWorkflowId } from '../../poll/names.ts';

/** What distinguishes one installation's schedule from another's. */
export interface ScheduleSettings {
  /** The installation's name, which is the schedule's id and the polls' task queue. Default {@link DEFAULT_INSTANCE}. */
  instance?: string;
  /** Seconds from one poll's start to the next. */
  intervalSeconds: number;
}

/** What {@link applySchedule} did. */
export type ApplyOutcome = 'created' | 'updated' | 'unchanged';

/** What became of a poll that was asked for: it `started`, or it waits for the running one to end. */
export type TriggerOutcome =
  | { state: 'started'; workflowId: string; runId: string }
  /** At most one poll waits, so that asking again while one waits adds none. `behind`: the workflows that run. */
  | { state: 'waiting'; behind: string[]; known: string[] };

type Definition = Omit<ScheduleUpdateOptions, 'state'>;

function summary(intervalSeconds: number): string {
  return `Poll Twitch every ${intervalSeconds} s`;
}

function definition({ instance = DEFAULT_INSTANCE, intervalSeconds }: ScheduleSettings) {
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
  } satisfies Definition;
}

/** Whether the server's schedule is what {@link definition} asks for; its state (pause, note) is the operator's. */
function isAsDefined(found: ScheduleDescription, settings: ScheduleSettings): boolean {
  const { spec, action, policies } = found;
  const wanted = definition(settings);
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

/**
 * Creates the schedule, or updates it where it differs. An operator's pause, note and remaining actions are kept. Safe to
 * call from several processes at once.
 *
 * @throws the Temporal client's errors
 */
export async function applySchedule(client: Client, settings: ScheduleSettings): Promise<ApplyOutcome> {
  const id = settings.instance ?? DEFAULT_INSTANCE;
  const handle = client.schedule.getHandle(id);
  const update = async (): Promise<ApplyOutcome> => {
    if (isAsDefined(await handle.describe(), settings)) return 'unchanged';
    await handle.update((previous) => ({ ...definition(settings), state: previous.state }));
    return 'updated';
  };
  try {
    return await update();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  try {
    await client.schedule.create({ scheduleId: id, ...definition(settings) });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // Another process was quicker; its interval may be another one.
    return update();
  }
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

/** Keeps polls from starting; a running one goes on. `note` tells others why. */
export async function pauseSchedule(client: Client, note: string, id = DEFAULT_INSTANCE): Promise<void> {
  await client.schedule.getHandle(id).pause(note);
}

/** Lets polls start again. */
export async function resumeSchedule(client: Client, note: string, id = DEFAULT_INSTANCE): Promise<void> {
  await client.schedule.getHandle(id).unpause(note);
}

/** Removes the schedule; a running poll goes on, and targets and what was announced are kept. */
export async function deleteSchedule(client: Client, id = DEFAULT_INSTANCE): Promise<void> {
  await client.schedule.getHandle(id).delete();
}

/** How long a schedule may take to show what a trigger did: it works through its signals one after another. */
const TRIGGER_SEEN_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 100;

/**
 * Starts a poll now, or behind the running one.
 *
 * @throws ScheduleNotFoundError
 */
export async function triggerSchedule(client: Client, id = DEFAULT_INSTANCE): Promise<TriggerOutcome> {
  const handle = client.schedule.getHandle(id);
  const before = await handle.describe();
  const known = before.info.recentActions.map(({ action }) => action.workflow.workflowId);
  // Without it the SDK asks for ALLOW_ALL: polls beside each other, which the schedule does not even track.
  await handle.trigger(before.policies.overlap);
  const deadline = Date.now() + TRIGGER_SEEN_WITHIN_MS;
  for (;;) {
    const now = await handle.describe();
    const started = newAction(known, now);
    if (started) return { state: 'started', ...started };
    const behind = now.info.runningActions.map(({ workflow }) => workflow.workflowId);
    const dropped = now.info.numActionsSkippedOverlap > before.info.numActionsSkippedOverlap;
    const waits = behind.length > 0 && (waiting(now) > 0 || dropped);
    if (waits || Date.now() > deadline) return { state: 'waiting', behind, known };
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Waits for the first poll that is not among the `known` workflow ids. @throws AbortError */
export async function nextPoll(
  client: Client,
  known: readonly string[],
  signal: AbortSignal,
  id = DEFAULT_INSTANCE,
): Promise<{ workflowId: string; runId: string }> {
  const handle = client.schedule.getHandle(id);
  for (;;) {
    const started = newAction(known, await handle.describe());
    if (started) return started;
    await sleep(5 * LOOK_AGAIN_MS, undefined, { signal });
  }
}

function newAction(
  known: readonly string[],
  { info }: ScheduleDescription,
): { workflowId: string; runId: string } | undefined {
  const started = info.recentActions.find(({ action }) => !known.includes(action.workflow.workflowId));
  if (!started) return undefined;
  const { workflowId, firstExecutionRunId: runId } = started.action.workflow;
  return { workflowId, runId };
}

/** Polls that wait for the running one to end. */
export function waiting(description: ScheduleDescription): number {
  return Number(description.raw.info?.bufferSize ?? 0);
}
