import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readProfiles } from '../lib/cpuProfile.ts';
import { cpuSeconds } from '../lib/measure.ts';
import type { Outcome } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { BenchSystem } from '../lib/system.ts';

const TOP = 25;
const UNLIMITED_PER_MINUTE = 1_000_000;

/** Where the worker's processor time goes. */
export const profile: Scenario = {
  measures: "The worker's processor time in busy polls of users of whom half are live, by V8's sampling profiler.",

  async run({ quick, say, defer }): Promise<Outcome> {
    const users = quick ? 2_000 : 50_000;
    const polls = quick ? 2 : 4;
    const system = await BenchSystem.start({
      twitch: {
        requestsPerMinute: 100 * UNLIMITED_PER_MINUTE,
        users,
        live: users / 2,
        latencyMs: [0, 0],
        seed: 61,
      },
      env: { TWITCH_REQUESTS_PER_MINUTE: String(UNLIMITED_PER_MINUTE) },
    });
    defer(() => system.stop());
    await system.importTargets();
    const dir = join(system.dir, 'profiles');
    mkdirSync(dir);
    const worker = await system.startWorker({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${dir}` });
    const { services } = system;
    const used = () => ({ worker: cpuSeconds(worker.pid), store: cpuSeconds(services.redis.pid) });
    const before = used();
    const from = process.hrtime.bigint();
    let streams = 0;
    for (let i = 0; i < polls; i++) {
      const { report } = await system.pollOnce();
      streams += report.live;
      say(`poll ${i + 1}: ${report.batches} batches, ${report.announced} announced, ${report.durationMs} ms`);
    }
    const after = used();
    await worker.stop();
    const announced = system.arrivals?.atMs.size ?? 0;
    const { byPart, bySelf } = readProfiles(dir, from);
    const perThousand = (part: string, count: number) => ((byPart.get(part) ?? 0) / count) * 1_000;
    const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([, a], [, b]) => b - a).slice(0, TOP);
    return {
      rows: [
        {
          name: 'request and parse, 1,000 streams',
          value: perThousand('request and parse', streams),
          unit: 'ms',
          digits: 1,
        },
        { name: 'stage, 1,000 streams', value: perThousand('stage', streams), unit: 'ms', digits: 1 },
        { name: 'diff, 1,000 streams', value: perThousand('diff', streams), unit: 'ms', digits: 1 },
        {
          name: 'diff and staging in the store, 1,000 streams',
          value: ((after.store - before.store) / streams) * 1e6,
          unit: 'ms',
          digits: 1,
        },
        { name: 'publish, 1,000 messages', value: perThousand('publish', announced), unit: 'ms', digits: 1 },
        { name: 'the whole worker process', value: after.worker - before.worker, unit: 's', digits: 1 },
      ],
      tables: [
        {
          title:
            'JavaScript threads by part (ms; the innermost function of ours on the stack decides, else the package)',
          columns: ['part', 'ms'],
          rows: sorted(byPart),
        },
        { title: 'Functions by their own time (ms)', columns: ['function', 'ms'], rows: sorted(bySelf) },
      ],
      conditions: [
        `${users} users, half of them live: ${streams} streams seen in ${polls} polls, ${announced} announced; no rate limit`,
        "not in the profile: threads of Temporal's native core; they are in the time of the whole process",
      ],
      versions: await system.versions(),
    };
  },
};
