import { countByType, readRuns } from '../lib/histories.ts';
import type { Outcome, Row } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { BenchSystem } from '../lib/system.ts';

/** Of a poll besides its activities: the schedule's two and the start of the workflow (https://docs.temporal.io/cloud/actions). */
const ACTIONS_PER_START = 3;
const INTERVALS_SECONDS = [30, 60, 300];
const SECONDS_PER_DAY = 86_400;

interface Cost {
  users: number;
  batches: number;
  activities: Record<string, number>;
  runs: number;
  workflowTasks: number;
  events: number;
  historyKiB: number;
  databaseKiB: number;
  seconds: number;
  requests429: number;
}

/** What a poll costs that finds nothing new. */
export const cost: Scenario = {
  measures: 'Activities, history and database growth of a poll that finds nothing new, at the default rate limit.',

  async run({ quick, say, defer }): Promise<Outcome> {
    const sizes = quick ? [2_000] : [100, 2_000, 10_000, 100_000];
    const costs: Cost[] = [];
    let versions: Outcome['versions'] | undefined;
    for (const users of sizes) {
      const polls = users > 10_000 ? 1 : quick ? 2 : 10;
      const system = await BenchSystem.start({
        twitch: { requestsPerMinute: 800, users, live: users / 20, latencyMs: [40, 120], seed: 41 },
        // Long enough that a poll of every size fits in: no target is put off.
        env: { POLL_INTERVAL_SECONDS: '300' },
      });
      defer(() => system.stop());
      await system.importTargets();
      await system.startWorker();
      say(`${users} users: one poll that announces, then ${polls} quiet ones`);
      await system.pollOnce();
      costs.push(await measure(system, users, polls));
      versions = await system.versions();
      await system.stop();
    }
    const oneSlice = costs.find(({ users }) => users === 2_000) as Cost;
    const total = ({ activities }: Cost) => Object.values(activities).reduce((sum, count) => sum + count, 0);
    const rows: Row[] = [
      { name: 'batches of one slice', value: oneSlice.batches, unit: '' },
      {
        name: 'activities for one slice',
        value: total(oneSlice),
        unit: '',
        bar: { most: oneSlice.batches + 2 },
      },
      { name: 'history events for one slice', value: oneSlice.events, unit: '' },
      {
        name: 'answers 429',
        value: costs.reduce((sum, { requests429 }) => sum + requests429, 0),
        unit: '',
        bar: { most: 0 },
      },
    ];
    return {
      rows,
      tables: [
        {
          title: 'A quiet poll by its size',
          columns: [
            'users',
            'batches',
            'activities',
            'of them fetch',
            'of them diff',
            'runs',
            'workflow tasks',
            'events',
            'history, KiB',
            'database, KiB',
            'seconds',
          ],
          rows: costs.map((one) => [
            one.users.toLocaleString('en'),
            one.batches,
            total(one),
            one.activities.fetchTargets ?? 0,
            one.activities.diffStreams ?? 0,
            one.runs,
            one.workflowTasks,
            one.events,
            one.historyKiB,
            one.databaseKiB,
            one.seconds,
          ]),
        },
        {
          title:
            'Billable actions of Temporal Cloud a day, by interval (a poll that takes longer is followed at once by the next)',
          columns: ['users', 'actions a poll', ...INTERVALS_SECONDS.map((seconds) => `every ${seconds} s`)],
          rows: costs.map((one) => {
            const actions = total(one) + ACTIONS_PER_START + one.runs - 1;
            const perDay = INTERVALS_SECONDS.map((interval) =>
              Math.round((SECONDS_PER_DAY / Math.max(interval, one.seconds)) * actions),
            );
            return [one.users.toLocaleString('en'), actions, ...perDay];
          }),
        },
        {
          title: "Growth of the dev server's database in MiB a day until the retention (default: one day) ends it",
          columns: ['users', ...INTERVALS_SECONDS.map((seconds) => `every ${seconds} s`)],
          rows: costs.map((one) => [
            one.users.toLocaleString('en'),
            ...INTERVALS_SECONDS.map((interval) =>
              Math.round(((SECONDS_PER_DAY / Math.max(interval, one.seconds)) * one.databaseKiB) / 1_024),
            ),
          ]),
        },
      ],
      conditions: [
        '5 % of the users live, all of them announced before; each new stream adds its share of one publish activity',
        'actions: activities, and three for the scheduled start; one more for each continue-as-new',
      ],
      versions: versions as Outcome['versions'],
    };
  },
};

async function measure(system: BenchSystem, users: number, polls: number): Promise<Cost> {
  const before = system.databaseBytes();
  let last = await system.pollOnce();
  for (let i = 1; i < polls; i++) last = await system.pollOnce();
  const databaseKiB = (system.databaseBytes() - before) / polls / 1_024;
  const runs = await readRuns(system.client, last.handle.workflowId);
  const { tooManyRequests } = await system.sandbox.stats();
  const { report } = last;
  if (report.announced + report.silent + report.failedBatches > 0) {
    throw new Error(`the poll was not quiet: ${JSON.stringify(report)}`);
  }
  const sum = (of: (run: (typeof runs)[number]) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    users,
    batches: report.batches,
    activities: countByType(runs.flatMap((run) => run.activities)),
    runs: runs.length,
    workflowTasks: sum((run) => run.workflowTasks),
    events: sum((run) => run.events),
    historyKiB: sum((run) => run.bytes) / 1_024,
    databaseKiB,
    seconds: report.durationMs / 1_000,
    requests429: tooManyRequests,
  };
}
