import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
} from '@temporalio/client';
import { DEFAULT_INSTANCE } from '../../poll/names.ts';
import { defineSchedule, isAsDefined, type ScheduleSettings } from './definition.ts';
import { countWaiting } from './state.ts';

/** What {@link applySchedule} did. */
export type ApplyOutcome = 'created' | 'updated' | 'unchanged';

/** What became of a poll that was asked for: it `started`, or it waits for the running one to end. */
export type TriggerOutcome =
  | { state: 'started'; workflowId: string; runId: string }
  /** At most one poll waits, so that asking again while one waits adds none. `behind`: the workflows that run. */
  | { state: 'waiting'; behind: string[]; known: string[] };

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
    await handle.update((previous) => ({ ...defineSchedule(settings), state: previous.state }));
    return 'updated';
  };
  try {
    return await update();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  try {
    await client.schedule.create({ scheduleId: id, ...defineSchedule(settings) });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // Another process was quicker; its interval may be another one.
    return update();
  }
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
    const waits = behind.length > 0 && (countWaiting(now) > 0 || dropped);
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
