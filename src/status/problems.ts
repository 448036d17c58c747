import { counted, duration, printable } from '../lib/words.ts';
import { STUCK_POLLS } from '../poll/limits.ts';
import { TARGET_KINDS } from '../poll/model.ts';
import { readReport, statusWords } from '../poll/reportWords.ts';
import type { ListsDiffer } from '../storage/settingsTargets.ts';
import type { ScheduleState } from '../temporal/schedule/state.ts';
import type { Observations } from './observe.ts';

/** Something that needs attention, and what to do about it. */
export interface Problem {
  problem: string;
  advice: string;
}

const STUCK_MS = 10_000;
const SHOWN_IDS = 5;
/** A step that has failed less often may just ride out a short failure. */
const ATTEMPTS_STUCK = 5;

/** Judges what was observed. Nothing found means that all is well. */
export function findProblems(observed: Observations, nowMs: number): Problem[] {
  const problems: Problem[] = observed.failures.map((problem) => ({
    problem: problem.replace(/\s*\n\s*/g, ' '),
    advice: 'start the service, or correct the setting',
  }));
  const add = (problem: string, advice: string) => problems.push({ problem, advice });
  const { schedule, workers, deliveries, targets, settingsDiffer, refused, queues, deadQueue = '' } = observed;

  const idle = (workers ?? []).filter(({ workers: running }) => running === 0).map(({ taskQueue }) => taskQueue);
  if (idle.length > 0) {
    const only = idle.length < (workers ?? []).length ? ` on the task queue ${idle.join(', ')}` : '';
    add(`no worker is running${only}`, 'start one: npm run worker');
  }
  const running = schedule?.runs.find((run) => run.status === 'RUNNING');
  const stuck = running?.waitingSince;
  const stuckMs = stuck ? nowMs - Date.parse(stuck) : 0;
  // Temporal lists a worker for a minute after its end; work that nobody takes up tells sooner.
  if (idle.length === 0 && stuckMs > STUCK_MS) {
    add(`no worker has taken up the running poll for ${duration(stuckMs)}`, 'see that a worker runs: npm run worker');
  }
  if (running?.retrying && running.retrying.attempt >= ATTEMPTS_STUCK) {
    const { step, attempt, message } = running.retrying;
    add(
      `the running poll is stuck at attempt ${attempt} of ${step}: ${printable(message)}`,
      `fix what it waits for; ${running.workflowId} keeps what it has claimed, so do not terminate it`,
    );
  }
  if (schedule === null) add('there is no schedule, so that nothing is polled', 'npm run client -- schedule apply');
  if (schedule) problems.push(...scheduleProblems(schedule, nowMs));
  if (targets && targets.user + targets.game === 0) {
    add('there are no targets to watch', 'npm run client -- targets add user --login NAME (or targets import FILE)');
  }
  if (settingsDiffer) {
    const { workers, ids } = settingsDiffer;
    add(
      `${counted(workers.length, 'worker')} name different targets in their settings: not all name ${someTargets(ids)}`,
      'all of them are watched; give every worker the same TARGET_USER_IDS and TARGET_GAME_IDS',
    );
  }
  if (refused && refused.count > 0) {
    add(
      `Twitch refuses ${counted(refused.count, 'target')}, which are not polled: ${printable(refused.first.join(', '))}`,
      'npm run client -- targets list --refused tells why; remove what is no id; all are tried again from time to time',
    );
  }
  if (deliveries) {
    add(
      `${counted(deliveries, 'delivery', 'deliveries')} of events waits for RabbitMQ`,
      'see that RabbitMQ runs and takes messages; they are delivered then by themselves',
    );
  }
  for (const [queue, found] of Object.entries(queues ?? {})) {
    if (found === null) {
      add(`the queue ${queue} does not exist`, 'a worker declares it, unless RABBITMQ_TOPOLOGY says otherwise');
    }
  }
  const dead = queues?.[deadQueue]?.messages ?? 0;
  if (dead > 0) {
    add(
      `${counted(dead, 'message')} in ${deadQueue}: consumers refused or failed to handle them`,
      'fix the consumer, then move them back (in RabbitMQ’s management page: Move messages) or purge the queue',
    );
  }
  return problems;
}

/** The first ids of each kind, in words. */
function someTargets(ids: ListsDiffer['ids']): string {
  const some = TARGET_KINDS.flatMap((kind) => {
    if (ids[kind].length === 0) return [];
    const more = ids[kind].length > SHOWN_IDS ? ' and more' : '';
    return [`${kind} ${ids[kind].slice(0, SHOWN_IDS).map(printable).join(', ')}${more}`];
  });
  return some.join('; ');
}

function scheduleProblems(schedule: ScheduleState, nowMs: number): Problem[] {
  const { paused, note, remainingActions, lastFailure, lastCompleted } = schedule;
  const problems: Problem[] = [];
  if (paused) {
    const why = note ? ` (${printable(note)})` : '';
    problems.push({ problem: `polling is paused${why}`, advice: 'npm run client -- schedule resume' });
  }
  if (remainingActions === 0) {
    problems.push({
      problem: 'the schedule has used up its limited number of polls',
      advice: 'temporal schedule update without --remaining-actions, or delete it and run schedule apply',
    });
  }
  if (lastFailure) {
    problems.push({
      problem: `the last poll ${statusWords(lastFailure.run.status)}: ${printable(lastFailure.message)}`,
      advice: `look at ${lastFailure.run.workflowId} in Temporal’s Web UI, and at the worker’s log`,
    });
  }
  const report = readReport(lastCompleted?.report);
  const why = report?.problems.length ? `: ${report.problems.map(printable).join('; ')}` : '';
  if (report && report.failedBatches > 0) {
    problems.push({
      problem: `the last poll did not reach ${report.failedBatches} of ${counted(report.batches, 'batch', 'batches')}${why}`,
      advice: 'the next poll tries them again; if it stays so, look at the worker’s log',
    });
  }
  if (report?.skipped) {
    problems.push({
      problem: `the last poll skipped ${counted(report.skipped, 'stream')}${why}`,
      advice: 'every poll tries them again; see what the store holds under their marks, or report it as a bug',
    });
  }
  const late = lateness(schedule, nowMs);
  if (late) problems.push({ problem: late, advice: 'see that a worker runs, and look at its log' });
  return problems;
}

/** Says how long ago the last poll ended when that is too long; a poll may take longer than the interval. */
function lateness({ paused, intervalSeconds, lastCompleted, runs }: ScheduleState, nowMs: number): string | undefined {
  if (paused || !intervalSeconds) return undefined;
  const allowedMs = Math.max(STUCK_POLLS.intervals * intervalSeconds, STUCK_POLLS.leastSeconds) * 1_000;
  if (!lastCompleted) {
    // The first poll of a large list takes as long as it takes; one that nobody works on is another problem.
    const begun = runs.at(-1);
    return begun && nowMs - Date.parse(begun.startedAt) > 24 * 3_600_000 ? 'no poll has ended in a day' : undefined;
  }
  const { startedAt, closedAt = startedAt } = lastCompleted.run;
  const tookMs = Date.parse(closedAt) - Date.parse(startedAt);
  const ageMs = nowMs - Date.parse(closedAt);
  return ageMs > allowedMs + 2 * tookMs ? `the last poll ended ${duration(ageMs)} ago` : undefined;
}
