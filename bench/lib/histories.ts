import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** An activity as a run's history shows it. Times are Unix milliseconds by Temporal's clock. */
export interface ActivityTimes {
  type: string;
  scheduledMs: number;
  startedMs: number;
  completedMs: number;
}

/** One run of a poll: continue-as-new begins another. */
export interface RunStats {
  startedMs: number;
  closedMs: number;
  continued: boolean;
  events: number;
  bytes: number;
  workflowTasks: number;
  /** Workflow tasks that failed or timed out. */
  failedWorkflowTasks: number;
  activities: ActivityTimes[];
  /** Bytes of the largest payload. */
  largestPayload: number;
}

/** Reads all closed runs of polls, or of one, oldest first. */
export async function readRuns(client: Client, workflowId?: string): Promise<RunStats[]> {
  const one = workflowId === undefined ? '' : ` AND WorkflowId = '${workflowId}'`;
  const runs: RunStats[] = [];
  const query = `WorkflowType = 'pollStreams' AND ExecutionStatus != 'Running'${one}`;
  for await (const { workflowId: id, runId } of client.workflow.list({ query })) {
    runs.push(await readRun(client, id, runId));
  }
  return runs.sort((a, b) => a.startedMs - b.startedMs);
}

async function readRun(client: Client, workflowId: string, runId: string): Promise<RunStats> {
  const handle = client.workflow.getHandle(workflowId, runId);
  const [{ historySize = 0 }, { events }] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const all = events ?? [];
  const last = all.at(-1);
  return {
    startedMs: timeOf(all[0]),
    closedMs: timeOf(last),
    continued: Boolean(last?.workflowExecutionContinuedAsNewEventAttributes),
    events: all.length,
    bytes: historySize,
    workflowTasks: all.filter((event) => event.workflowTaskScheduledEventAttributes).length,
    failedWorkflowTasks: all.filter(
      (event) => event.workflowTaskFailedEventAttributes || event.workflowTaskTimedOutEventAttributes,
    ).length,
    activities: activitiesOf(all),
    largestPayload: largestPayload(all),
  };
}

function activitiesOf(events: readonly HistoryEvent[]): ActivityTimes[] {
  const byId = new Map<string, ActivityTimes>();
  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const started = event.activityTaskStartedEventAttributes;
    const completed = event.activityTaskCompletedEventAttributes;
    if (scheduled) {
      byId.set(String(event.eventId), {
        type: scheduled.activityType?.name ?? '',
        scheduledMs: timeOf(event),
        startedMs: Number.NaN,
        completedMs: Number.NaN,
      });
    }
    const activity = byId.get(String((started ?? completed)?.scheduledEventId));
    if (!activity) continue;
    if (started) activity.startedMs = timeOf(event);
    else activity.completedMs = timeOf(event);
  }
  return [...byId.values()];
}

function timeOf(event: HistoryEvent | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {};
  return Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6;
}

function largestPayload(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((most, inner) => Math.max(most, largestPayload(inner)), 0);
}

/** How many activities of each type there are. */
export function countByType(activities: readonly ActivityTimes[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of activities) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
