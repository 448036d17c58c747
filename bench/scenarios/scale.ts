import { type RunStats, readRuns } from '../lib/histories.ts';
import { cpuSeconds, MemorySampler, max, mean, total } from '../lib/measure.ts';
import { NEVER, type Outcome, row, tableOf } from '../lib/results.ts';
import type { Scenario, ScenarioContext } from '../lib/scenario.ts';
import { startBenchSystem } from '../lib/system.ts';

/** High enough that it limits nothing; the greatest value of the setting. */
const UNLIMITED_PER_MINUTE = 1_000_000;
const LIVE_SHARE = 0.01;
/**
 * Of the worker's heap, in MiB. V8 lets garbage pile up for minutes when it has gigabytes, and a poll of a million targets
 * is the only one that lasts so long: without a limit patience would be measured, not need.
 */
const HEAP_LIMIT_MIB = 256;

interface Size {
  users: number;
  importSeconds: number;
  /** The first poll, whose live streams are all new. */
  firstPerSecond: number;
  /** The polls after it, which find nothing new. */
  quietPerSecond: number;
  polls: number;
  missing: number;
  memory: { meanMiB: number; peakMiB: number };
  cpu: Record<'worker' | 'temporal' | 'store', number>;
  runs: RunStats[];
  versions: Outcome['versions'];
}

/** Whether a million targets are no different from ten thousand. */
export const scale: Scenario = {
  measures:
    'Polls of 10,000, 100,000 and 1,000,000 users without a rate limit: pace, memory of the worker, size of histories.',

  async run(context): Promise<Outcome> {
    const sizes: Size[] = [];
    for (const users of context.quick ? [1_000, 10_000] : [10_000, 100_000, 1_000_000]) {
      sizes.push(await measure(context, users));
    }
    const [least, most] = [sizes[0], sizes.at(-1)] as [Size, Size];
    const runs = sizes.flatMap((size) => size.runs);
    return {
      rows: [
        row('time per batch, largest ÷ smallest', least.quietPerSecond / most.quietPerSecond, {
          digits: 2,
          bar: { most: 1.2 },
        }),
        row("worker's peak memory, largest ÷ smallest", most.memory.peakMiB / least.memory.peakMiB, {
          digits: 2,
          bar: { most: 1.3 },
        }),
        row('most events in a run', max(runs.map(({ events }) => events)), { bar: { most: 5_000 } }),
        row('largest payload in a history', max(runs.map((run) => run.largestPayload)) / 1_024, {
          unit: 'KiB',
          digits: 1,
          bar: { most: 64 },
        }),
        row(`import of ${usersOf(most)} ids`, most.importSeconds, {
          unit: 's',
          digits: 1,
          bar: { most: 120 },
        }),
        row('failed workflow tasks', total(runs.map((run) => run.failedWorkflowTasks)), NEVER),
        row('live streams not announced', total(sizes.map(({ missing }) => missing)), NEVER),
      ],
      tables: [
        tableOf('By size (the first poll announces every live stream; those after it find nothing new)', sizes, {
          users: usersOf,
          'import, s': ({ importSeconds }) => importSeconds,
          'batches/s, first': ({ firstPerSecond }) => firstPerSecond,
          'batches/s, quiet': ({ quietPerSecond }) => quietPerSecond,
          polls: ({ polls }) => polls,
          'memory, mean MiB': ({ memory }) => memory.meanMiB,
          'peak MiB': ({ memory }) => memory.peakMiB,
        }),
        tableOf('Histories of the last poll, and processor time for 1,000 batches of quiet polls', sizes, {
          users: usersOf,
          runs: ({ runs }) => runs.length,
          'events a run': ({ runs }) => max(runs.map(({ events }) => events)),
          'KiB a run': ({ runs }) => max(runs.map(({ bytes }) => bytes)) / 1_024,
          'diff, ms': ({ runs }) => mean(diffTimes(runs)),
          'worker, s': ({ cpu }) => cpu.worker,
          'Temporal, s': ({ cpu }) => cpu.temporal,
          'store, s': ({ cpu }) => cpu.store,
        }),
      ],
      conditions: [
        `${LIVE_SHARE * 100} % of the users live; no rate limit, answers of the sandbox without delay; a fresh worker and fresh services for each size`,
        `old space of the worker's heap limited to ${HEAP_LIMIT_MIB} MiB for every size`,
        "all processes share the machine's cores, the sandbox included: the pace is that of the machine, not of the worker alone",
      ],
      versions: most.versions,
    };
  },
};

const usersOf = ({ users }: Size) => users.toLocaleString('en');

async function measure({ quick, say, defer }: ScenarioContext, users: number): Promise<Size> {
  const leastSeconds = quick ? 3 : 60;
  const system = await startBenchSystem(
    { defer },
    {
      twitch: {
        requestsPerMinute: 100 * UNLIMITED_PER_MINUTE,
        users,
        live: users * LIVE_SHARE,
        latencyMs: [0, 0],
        seed: 51,
      },
      env: {
        TWITCH_REQUESTS_PER_MINUTE: String(UNLIMITED_PER_MINUTE),
        NODE_OPTIONS: `--max-old-space-size=${HEAP_LIMIT_MIB}`,
      },
    },
  );
  say(`${users} users: import`);
  const importSeconds = await system.importTargets();
  const worker = await system.startWorker();
  const sampler = new MemorySampler(worker.pid);
  const { services } = system;
  const used = async () => ({
    worker: await cpuSeconds(worker.pid),
    temporal: await cpuSeconds(services.temporal.pid),
    store: await cpuSeconds(services.redis.pid),
  });
  const perSecond = ({ batches, durationMs }: { batches: number; durationMs: number }) =>
    batches / (durationMs / 1_000);

  say(`${users} users: first poll`);
  const { report: first } = await system.pollOnce();
  const missing = await system.arrivals.missing(await system.sandbox.liveIds(), 10_000);
  say(`${users} users: ${perSecond(first).toFixed(1)} batches a second; quiet polls for at least ${leastSeconds} s`);
  const before = await used();
  const startedMs = performance.now();
  let last = await system.pollOnce();
  let polls = 1;
  let batches = last.report.batches;
  while (performance.now() - startedMs < leastSeconds * 1_000) {
    last = await system.pollOnce();
    polls += 1;
    batches += last.report.batches;
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await used();
  const memory = sampler.stop();
  if (first.failedBatches + last.report.failedBatches > 0) throw new Error(`batches failed: ${last.report.problems}`);
  const runs = await readRuns(system.client, last.handle.workflowId);
  const versions = await system.versions();
  await system.stop();
  const cpu = (of: keyof Size['cpu']) => ((after[of] - before[of]) / batches) * 1_000;
  return {
    users,
    importSeconds,
    firstPerSecond: perSecond(first),
    quietPerSecond: batches / seconds,
    polls,
    missing: missing.length,
    memory,
    cpu: { worker: cpu('worker'), temporal: cpu('temporal'), store: cpu('store') },
    runs,
    versions,
  };
}

function diffTimes(runs: readonly RunStats[]): number[] {
  return runs.flatMap(({ activities }) =>
    activities
      .filter(({ type }) => type === 'diffStreams')
      .map(({ startedMs, completedMs }) => completedMs - startedMs),
  );
}
