import { type RunStats, readRuns } from '../lib/histories.ts';
import { cpuSeconds, MemorySampler, max, mean } from '../lib/measure.ts';
import type { Outcome } from '../lib/results.ts';
import type { Scenario, ScenarioContext } from '../lib/scenario.ts';
import { BenchSystem } from '../lib/system.ts';

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
  batches: number;
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
        {
          name: 'time per batch, largest ÷ smallest',
          value: least.quietPerSecond / most.quietPerSecond,
          unit: '',
          digits: 2,
          bar: { most: 1.2 },
        },
        {
          name: "worker's peak memory, largest ÷ smallest",
          value: most.memory.peakMiB / least.memory.peakMiB,
          unit: '',
          digits: 2,
          bar: { most: 1.3 },
        },
        { name: 'most events in a run', value: max(runs.map(({ events }) => events)), unit: '', bar: { most: 5_000 } },
        {
          name: 'largest payload in a history',
          value: max(runs.map((run) => run.largestPayload)) / 1_024,
          unit: 'KiB',
          digits: 1,
          bar: { most: 64 },
        },
        {
          name: `import of ${most.users.toLocaleString('en')} ids`,
          value: most.importSeconds,
          unit: 's',
          digits: 1,
          bar: { most: 120 },
        },
        {
          name: 'failed workflow tasks',
          value: runs.reduce((sum, run) => sum + run.failedWorkflowTasks, 0),
          unit: '',
          bar: { most: 0 },
        },
        {
          name: 'live streams not announced',
          value: sizes.reduce((sum, { missing }) => sum + missing, 0),
          unit: '',
          bar: { most: 0 },
        },
      ],
      tables: [
        {
          title: 'By size (the first poll announces every live stream; those after it find nothing new)',
          columns: [
            'users',
            'import, s',
            'batches/s, first',
            'batches/s, quiet',
            'polls',
            'memory, mean MiB',
            'peak MiB',
          ],
          rows: sizes.map((size) => [
            size.users.toLocaleString('en'),
            size.importSeconds,
            size.firstPerSecond,
            size.quietPerSecond,
            size.polls,
            size.memory.meanMiB,
            size.memory.peakMiB,
          ]),
        },
        {
          title: 'Histories of the last poll, and processor time for 1,000 batches of quiet polls',
          columns: ['users', 'runs', 'events a run', 'KiB a run', 'diff, ms', 'worker, s', 'Temporal, s', 'store, s'],
          rows: sizes.map((size) => [
            size.users.toLocaleString('en'),
            size.runs.length,
            max(size.runs.map(({ events }) => events)),
            max(size.runs.map(({ bytes }) => bytes)) / 1_024,
            mean(diffTimes(size.runs)),
            size.cpu.worker,
            size.cpu.temporal,
            size.cpu.store,
          ]),
        },
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

async function measure({ quick, say, defer }: ScenarioContext, users: number): Promise<Size> {
  const leastSeconds = quick ? 3 : 60;
  const system = await BenchSystem.start({
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
  });
  defer(() => system.stop());
  say(`${users} users: import`);
  const importSeconds = await system.importTargets();
  const worker = await system.startWorker();
  const sampler = new MemorySampler(worker.pid);
  const { services } = system;
  const used = () => ({
    worker: cpuSeconds(worker.pid),
    temporal: cpuSeconds(services.temporal.pid),
    store: cpuSeconds(services.redis.pid),
  });
  const perSecond = ({ batches, durationMs }: { batches: number; durationMs: number }) =>
    batches / (durationMs / 1_000);

  say(`${users} users: first poll`);
  const { report: first } = await system.pollOnce();
  const missing = (await system.arrivals?.missing(await system.sandbox.liveIds(), 10_000)) ?? [];
  say(`${users} users: ${perSecond(first).toFixed(1)} batches a second; quiet polls for at least ${leastSeconds} s`);
  const before = used();
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
  const after = used();
  const memory = sampler.stop();
  if (first.failedBatches + last.report.failedBatches > 0) throw new Error(`batches failed: ${last.report.problems}`);
  const runs = await readRuns(system.client, last.handle.workflowId);
  const versions = await system.versions();
  await system.stop();
  const cpu = (of: keyof Size['cpu']) => ((after[of] - before[of]) / batches) * 1_000;
  return {
    users,
    batches: first.batches,
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
