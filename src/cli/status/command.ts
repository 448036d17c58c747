import { ago, clock, count, counted, duration, printable } from '../../lib/words.ts';
import { DEFAULT_INSTANCE } from '../../poll/names.ts';
import { readReport, reportLines } from '../../poll/reportWords.ts';
import { queueDepths } from '../../publisher/queues.ts';
import { type Observations, observe, type Services } from '../../status/observe.ts';
import { findProblems, type Problem } from '../../status/problems.ts';
import { withBroker } from '../broker.ts';
import { describeError, EXIT } from '../errors.ts';
import type { Output } from '../output.ts';
import { settingsFor } from '../settings.ts';
import { withStore } from '../store.ts';
import { withTemporal } from '../temporal.ts';

/** `status` */
export async function status(output: Output): Promise<number> {
  const observed = await observe(services());
  const now = Date.now();
  const problems = findProblems(observed, now);
  const healthy = problems.length === 0;
  const words = [...describeObservations(observed, now), '', ...describeProblems(problems)].join('\n');
  output.answer(words, { healthy, problems, ...observed, failures: undefined });
  return healthy ? EXIT.ok : EXIT.failed;
}

/** Connects to each of them anew. @throws SettingsError */
function services(): Services {
  const { INSTANCE: instance, RABBITMQ_PREFIX: prefix } = settingsFor(['INSTANCE', 'RABBITMQ_PREFIX']);
  return {
    instance,
    prefix,
    withTemporal: (work) => withTemporal((client, { namespace }) => work(client, namespace)),
    withStore,
    async queueDepths(queues) {
      const { RABBITMQ_URL: url } = settingsFor(['RABBITMQ_URL']);
      return withBroker(url, (connection) => queueDepths(connection, queues));
    },
    describe: describeError,
  };
}

/** What was observed, a line each; what could not be read is left out. */
export function describeObservations(observed: Observations, nowMs: number): string[] {
  const { instance, schedule, workers, deliveries, targets, live, refused, queues } = observed;
  const rows: [label: string, words: string][] = [];
  if (instance && instance !== DEFAULT_INSTANCE) rows.push(['instance', instance]);
  if (schedule === null) rows.push(['schedule', 'none']);
  if (schedule) {
    const every = schedule.intervalSeconds ? `, a poll every ${duration(schedule.intervalSeconds * 1_000)}` : '';
    const note = schedule.paused && schedule.note ? ` (${printable(schedule.note)})` : '';
    const next = schedule.paused ? undefined : schedule.nextRuns[0];
    const at = next ? `, next at ${clock(new Date(next))}` : '';
    rows.push(['schedule', `${schedule.paused ? 'paused' : 'running'}${note}${every}${at}`]);

    const running = schedule.runs.find((run) => run.status === 'RUNNING');
    if (running)
      rows.push(['running', `${running.workflowId}, since ${duration(nowMs - Date.parse(running.startedAt))}`]);
    const last = schedule.lastCompleted;
    const report = readReport(last?.report);
    if (last && report) {
      const [first, ...more] = reportLines(report);
      rows.push(['last poll', `${ago(last.run.closedAt ?? last.run.startedAt, nowMs)}: ${first}`]);
      rows.push(...more.map((line): [string, string] => ['', line]));
    } else {
      rows.push(['last poll', 'none has ended yet']);
    }
  }
  if (workers) {
    rows.push(['workers', workers.map(({ taskQueue, workers }) => `${count(workers)} on ${taskQueue}`).join(', ')]);
  }
  if (targets) rows.push(['targets', `${counted(targets.user, 'user')}, ${counted(targets.game, 'game')}`]);
  if (refused && refused.count > 0) rows.push(['refused', `${counted(refused.count, 'target')}: ${list(refused)}`]);
  if (live !== undefined) rows.push(['live', counted(live, 'stream')]);
  for (const [queue, depth] of Object.entries(queues ?? {})) {
    rows.push([
      'queue',
      depth
        ? `${queue}: ${counted(depth.messages, 'message')}, ${counted(depth.consumers, 'consumer')}`
        : `${queue}: does not exist`,
    ]);
  }
  if (deliveries !== undefined) {
    rows.push(['delivery', deliveries === 0 ? 'nothing waits' : `${count(deliveries)} wait for RabbitMQ`]);
  }
  return rows.map(([label, words]) => `${label.padEnd(11)}${words}`);
}

function list({ count, first }: { count: number; first: string[] }): string {
  return printable(first.join(', ')) + (count > first.length ? ', …' : '');
}

/** `All is well.`, or each problem with what to do. */
export function describeProblems(problems: readonly Problem[]): string[] {
  if (problems.length === 0) return ['All is well.'];
  return ['Needs attention:', ...problems.flatMap(({ problem, advice }) => [`- ${problem}`, `  ${advice}`])];
}
