import { type Client, type ScheduleDescription, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { DEFAULT_INSTANCE } from '../../poll/names.ts';

/** A poll that the schedule has started. Times are RFC 3339. */
export interface PollRun {
  workflowId: string;
  /** Of its first run. Polls that start in the same second share a workflow id. */
  runId: string;
  scheduledAt: string;
  startedAt: string;
  /** `RUNNING`, `COMPLETED`, `FAILED`, `TIMED_OUT`, `TERMINATED`, `CANCELLED`; `GONE` when Temporal keeps it no longer. */
  status: string;
  closedAt?: string;
  /** Since when a running poll has waited for a worker to take it up. */
  waitingSince?: string;
  /** The attempt of its workflow task, when earlier ones have failed or timed out. */
  failingTask?: number;
  /** The step of a running poll that has failed most often, if any has: its next attempt, and why the last one failed. */
  retrying?: { step: string; attempt: number; message: string };
}

/** What a schedule does and did, as plain data. */
export interface ScheduleState {
  id: string;
  paused: boolean;
  /** Why it is paused, or what else the operator noted. */
  note: string;
  /** Undefined when the schedule is not a plain interval. */
  intervalSeconds: number | undefined;
  /** Starts that are left before the schedule stops by itself; undefined: no limit. */
  remainingActions: number | undefined;
  nextRuns: string[];
  /** Polls that wait for the running one to end: 0 or 1. */
  waiting: number;
  /** Newest first, at most ten. */
  runs: PollRun[];
  /** The newest poll that ended well, with what it reported. */
  lastCompleted?: { run: PollRun; report: unknown };
  /** Set when the newest poll that ended did not end well. */
  lastFailure?: { run: PollRun; message: string };
  counters: { started: number; skippedForOverlap: number; missed: number };
}

/** Reads the schedule and its recent polls. @throws ScheduleNotFoundError, and the Temporal client's other errors */
export async function readScheduleState(client: Client, id = DEFAULT_INSTANCE): Promise<ScheduleState> {
  const description = await client.schedule.getHandle(id).describe();
  const { spec, state, info } = description;
  const every = spec.intervals?.length === 1 ? spec.intervals[0]?.every : undefined;
  const runs = await Promise.all(
    info.recentActions.toReversed().map(async ({ scheduledAt, takenAt, action }) => ({
      workflowId: action.workflow.workflowId,
      runId: action.workflow.firstExecutionRunId,
      scheduledAt: scheduledAt.toISOString(),
      startedAt: takenAt.toISOString(),
      ...(await runStatus(client, action.workflow.workflowId, action.workflow.firstExecutionRunId)),
    })),
  );
  const ended = runs.find(({ status }) => status !== 'RUNNING' && status !== 'GONE');
  const completed = runs.find(({ status }) => status === 'COMPLETED');
  return {
    id,
    paused: state.paused,
    note: state.note ?? '',
    intervalSeconds: every === undefined ? undefined : every / 1_000,
    remainingActions: state.remainingActions,
    nextRuns: info.nextActionTimes.slice(0, 5).map((time) => time.toISOString()),
    waiting: countWaiting(description),
    runs,
    ...(completed && {
      lastCompleted: { run: completed, report: await client.workflow.result(completed.workflowId, completed.runId) },
    }),
    ...(ended && ended !== completed && { lastFailure: { run: ended, message: await failureOf(client, ended) } }),
    counters: {
      started: info.numActionsTaken,
      skippedForOverlap: info.numActionsSkippedOverlap,
      missed: info.numActionsMissedCatchupWindow,
    },
  };
}

/** Polls that wait for the running one to end. */
export function countWaiting(description: ScheduleDescription): number {
  return Number(description.raw.info?.bufferSize ?? 0);
}

/** `temporal.api.enums.v1.PendingWorkflowTaskState` */
const TASK_SCHEDULED = 1;

/** Of the newest run of the chain that began with `firstRunId`, or, once it has continued as new, of the id. */
async function runStatus(
  client: Client,
  workflowId: string,
  firstRunId: string,
): Promise<Pick<PollRun, 'status' | 'closedAt' | 'waitingSince' | 'failingTask' | 'retrying'>> {
  try {
    const first = await client.workflow.getHandle(workflowId, firstRunId).describe();
    const goesOn = first.status.name === 'CONTINUED_AS_NEW';
    const { status, closeTime, raw } = goesOn ? await client.workflow.getHandle(workflowId).describe() : first;
    const { state, scheduledTime, attempt } = raw.pendingWorkflowTask ?? {};
    const waits = state === TASK_SCHEDULED && scheduledTime?.seconds;
    const [worst] = (raw.pendingActivities ?? [])
      .filter(({ lastFailure }) => lastFailure)
      .sort((a, b) => Number(b.attempt) - Number(a.attempt));
    return {
      status: status.name,
      ...(closeTime && { closedAt: closeTime.toISOString() }),
      ...(waits && { waitingSince: new Date(Number(waits) * 1_000).toISOString() }),
      ...(Number(attempt) > 1 && { failingTask: Number(attempt) }),
      ...(worst && {
        retrying: {
          step: worst.activityType?.name ?? '',
          attempt: Number(worst.attempt),
          message: worst.lastFailure?.message ?? '',
        },
      }),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: 'GONE' };
    throw error;
  }
}

async function failureOf(client: Client, { workflowId, runId }: PollRun): Promise<string> {
  try {
    await client.workflow.result(workflowId, runId);
    return '';
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return error.cause?.message ?? error.message;
  }
}
