import { type Client, WorkflowFailedError } from '@temporalio/client';
import { within } from '../../lib/deadline.ts';
import { ago, clock, count, duration, printable } from '../../lib/words.ts';
import { readReport, reportLines, statusWords } from '../../poll/reportWords.ts';
import {
  applySchedule,
  deleteSchedule,
  nextPoll,
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
} from '../../temporal/schedule/actions.ts';
import { scheduleCommand } from '../../temporal/schedule/definition.ts';
import { readScheduleState, type ScheduleState } from '../../temporal/schedule/state.ts';
import { CommandError } from '../errors.ts';
import type { Output } from '../output.ts';
import { settingsFor } from '../settings.ts';
import { withTemporal } from '../temporal.ts';

/** `schedule apply` */
export async function apply(output: Output, { interval }: { interval?: number }): Promise<number> {
  const intervalSeconds = interval ?? settingsFor(['POLL_INTERVAL_SECONDS']).POLL_INTERVAL_SECONDS;
  return withTemporal(async (client, { address, namespace, instance }) => {
    const outcome = await applySchedule(client, { instance, intervalSeconds });
    const state = await readScheduleState(client, instance);
    const command = scheduleCommand({ instance, intervalSeconds }, { address, namespace });
    const done = {
      created: `Created the schedule ${instance}`,
      updated: `Updated the schedule ${instance}`,
      unchanged: `The schedule ${instance} is as it should be`,
    }[outcome];
    const every = `a poll every ${duration(intervalSeconds * 1_000)}`;
    const paused = state.paused ? `\nIt stays paused${noteOf(state)}; to go on: npm run client -- schedule resume` : '';
    return output.answer(`${done}: ${every}.${paused}\nThe same with the Temporal CLI:\n${command}`, {
      id: instance,
      outcome,
      intervalSeconds,
      paused: state.paused,
      command,
    });
  });
}

/** `schedule pause` */
export async function pause(output: Output, { note }: { note: string }): Promise<number> {
  return withTemporal(async (client, { instance: id }) => {
    await pauseSchedule(client, note, id);
    return output.answer(`Paused the schedule ${id} (${note}).`, { id, paused: true, note });
  });
}

/** `schedule resume` */
export async function resume(output: Output, { note }: { note: string }): Promise<number> {
  return withTemporal(async (client, { instance: id }) => {
    await resumeSchedule(client, note, id);
    return output.answer(`Resumed the schedule ${id}.`, { id, paused: false, note });
  });
}

/** `schedule delete` */
export async function remove(output: Output): Promise<number> {
  return withTemporal(async (client, { instance: id }) => {
    await deleteSchedule(client, id);
    return output.answer(`Deleted the schedule ${id}. To have it again: npm run client -- schedule apply`, {
      id,
      deleted: true,
    });
  });
}

/** `schedule trigger` */
export async function trigger(output: Output, { wait, timeout }: { wait?: boolean; timeout: number }): Promise<number> {
  return withTemporal(async (client, { instance: id }) => {
    const outcome = await triggerSchedule(client, id);
    const behind = outcome.state === 'waiting' ? outcome.behind.join(', ') : '';
    const words =
      outcome.state === 'started'
        ? `Started ${outcome.workflowId}.`
        : behind
          ? `A poll runs (${behind}); the next one starts as soon as it ends.`
          : 'Temporal has noted it, but has not started the poll yet.';
    if (!wait) return output.answer(words, { ...outcome, known: undefined });
    output.note(words);
    const signal = AbortSignal.timeout(timeout * 1_000);
    const { workflowId } = outcome.state === 'started' ? outcome : await nextPoll(client, outcome.known, signal, id);
    return report(output, client, workflowId, signal);
  });
}

async function report(output: Output, client: Client, workflowId: string, signal: AbortSignal): Promise<number> {
  try {
    const result = await within(undefined, client.workflow.result(workflowId), { signal });
    const known = readReport(result);
    return output.answer(known ? reportLines(known).join('\n') : JSON.stringify(result), {
      workflowId,
      report: result,
    });
  } catch (error) {
    if (signal.aborted) {
      throw new CommandError(`${workflowId} has not ended yet; it goes on. Is a worker running? npm run worker`);
    }
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new CommandError(`${workflowId} did not end well: ${error.cause?.message ?? error.message}`, {
      cause: error,
    });
  }
}

/** `schedule describe` */
export async function describe(output: Output): Promise<number> {
  const state = await withTemporal((client, { instance }) => readScheduleState(client, instance));
  return output.answer(describeSchedule(state, Date.now()).join('\n'), state);
}

function noteOf({ note }: ScheduleState): string {
  return note ? ` (${printable(note)})` : '';
}

/** A schedule's state in words, a line each. */
export function describeSchedule(state: ScheduleState, nowMs: number): string[] {
  const { intervalSeconds, nextRuns, runs, counters, remainingActions } = state;
  const every = intervalSeconds ? `a poll every ${duration(intervalSeconds * 1_000)}` : 'not a plain interval';
  const lines = [`${state.id}: ${state.paused ? 'paused' : 'running'}${noteOf(state)}, ${every}`];
  if (remainingActions !== undefined) lines.push(`stops by itself after ${count(remainingActions)} more`);
  if (!state.paused) lines.push(`next: ${nextRuns.map((time) => clock(new Date(time))).join(', ') || 'none'}`);
  if (state.waiting > 0) lines.push('a poll waits for the running one to end');
  lines.push(
    `${count(counters.started)} started, ${count(counters.skippedForOverlap)} skipped because one ran and one waited, ` +
      `${count(counters.missed)} missed while Temporal was away`,
  );
  lines.push(runs.length > 0 ? 'recent polls:' : 'no poll has started yet');
  for (const run of runs) {
    const took = run.closedAt ? ` after ${duration(Date.parse(run.closedAt) - Date.parse(run.startedAt))}` : '';
    lines.push(`  ${clock(new Date(run.startedAt))}  ${statusWords(run.status)}${took}  ${run.workflowId}`);
  }
  if (state.lastFailure) {
    lines.push(`last failure (${state.lastFailure.run.workflowId}): ${printable(state.lastFailure.message)}`);
  }
  const last = state.lastCompleted;
  const known = readReport(last?.report);
  if (last && known) {
    lines.push(`last report, ${ago(last.run.closedAt ?? last.run.startedAt, nowMs)}:`);
    lines.push(...reportLines(known).map((line) => `  ${line}`));
  }
  return lines;
}
