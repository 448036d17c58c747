import { countByType, readRuns } from '../lib/histories.ts';
import { total } from '../lib/measure.ts';
import { NEVER, type Outcome, row, tableOf } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { type BenchSystem, startBenchSystem } from '../lib/system.ts';

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
      const twitch = { users, live: users / 20, seed: 41 };
      // Long enough that a poll of every size fits in: no target is put off.
      const system = await startBenchSystem({ defer }, { twitch, intervalSeconds: 300 });
      await system.importTargets();
      await system.startWorker();
      say(`${users} users: one poll that announces, then ${polls} quiet ones`);
      await system.pollOnce();
      costs.push(await measure(system, users, polls));
      versions = await system.versions();
      await system.stop();
    }
    const oneSlice = costs.find(({ users }) => users === 2_000) as Cost;
    return {
      rows: [
        row('batches of one slice', oneSlice.batches),
        row('activities for one slice', activitiesOf(oneSlice), { bar: { most: oneSlice.batches + 2 } }),
        row('history events for one slice', oneSlice.events),
        row('answers 429', total(costs.map(({ requests429 }) => requests429)), NEVER),
      ],
      tables: [
        tableOf('A quiet poll by its size', costs, {
          users: usersOf,
          batches: ({ batches }) => batches,
          activities: activitiesOf,
          'of them fetch': ({ activities }) => activities.fetchTargets ?? 0,
          'of them diff': ({ activities }) => activities.diffStreams ?? 0,
          runs: ({ runs }) => runs,
          'workflow tasks': ({ workflowTasks }) => workflowTasks,
          events: ({ events }) => events,
          'history, KiB': ({ historyKiB }) => historyKiB,
          'database, KiB': ({ databaseKiB }) => databaseKiB,
          seconds: ({ seconds }) => seconds,
        }),
        tableOf(
          'Billable actions of Temporal Cloud a day, by interval (a poll that takes longer is followed at once by the next)',
          costs,
          { users: usersOf, 'actions a poll': actionsOf, ...perDay(actionsOf) },
        ),
        tableOf(
          "Growth of the dev server's database in MiB a day until the retention (default: one day) ends it",
          costs,
          {
            users: usersOf,
            ...perDay(({ databaseKiB }) => databaseKiB / 1_024),
          },
        ),
      ],
      conditions: [
        '5 % of the users live, all of them announced before; each new stream adds its share of one publish activity',
        'actions: activities, and three for the scheduled start; one more for each continue-as-new',
      ],
      versions: versions as Outcome['versions'],
    };
  },
};

const usersOf = ({ users }: Cost) => users.toLocaleString('en');
const activitiesOf = ({ activities }: Cost) => total(Object.values(activities));
const actionsOf = (one: Cost) => activitiesOf(one) + ACTIONS_PER_START + one.runs - 1;

/** A column for each interval: how much a day, of what there is so much of in a poll. */
function perDay(perPoll: (one: Cost) => number) {
  const column = (interval: number) => (one: Cost) =>
    Math.round((SECONDS_PER_DAY / Math.max(interval, one.seconds)) * perPoll(one));
  return Object.fromEntries(INTERVALS_SECONDS.map((interval) => [`every ${interval} s`, column(interval)]));
}

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
  return {
    users,
    batches: report.batches,
    activities: countByType(runs.flatMap((run) => run.activities)),
    runs: runs.length,
    workflowTasks: total(runs.map((run) => run.workflowTasks)),
    events: total(runs.map((run) => run.events)),
    historyKiB: total(runs.map((run) => run.bytes)) / 1_024,
    databaseKiB,
    seconds: report.durationMs / 1_000,
    requests429: tooManyRequests,
  };
}
