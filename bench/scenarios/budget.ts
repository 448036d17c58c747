import { setTimeout as sleep } from 'node:timers/promises';
import { readRuns } from '../lib/histories.ts';
import { max, mean, quantile } from '../lib/measure.ts';
import { requestGaps } from '../lib/requestGaps.ts';
import { NEVER, type Outcome, row } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { startBenchSystem } from '../lib/system.ts';

/** Twitch's limit for an application, and what the sandbox grants. */
const LIMIT_PER_MINUTE = 800;

/** How much of Twitch's budget continuous polling uses, and that it never asks for more. */
export const budget: Scenario = {
  measures:
    'Helix requests a minute while polls follow each other without a pause, as a share of the 800 that Twitch allows, and ' +
    'answers 429.',

  async run({ quick, say, defer }): Promise<Outcome> {
    const users = quick ? 5_000 : 100_000;
    const warmUpSeconds = quick ? 5 : 60;
    const seconds = quick ? 15 : 300;
    const system = await startBenchSystem({ defer }, { twitch: { users, live: users / 100, seed: 21 } });
    say(`importing ${users} users`);
    await system.importTargets();
    await system.startWorker();
    await system.schedule();
    say(`warming up for ${warmUpSeconds} s, then measuring for ${seconds} s`);
    await sleep(warmUpSeconds * 1_000);
    const fromMs = Date.now();
    await sleep(seconds * 1_000);
    const toMs = Date.now();
    const [stats, allRequests] = await Promise.all([system.sandbox.stats(), system.sandbox.requests()]);

    const requestsMs = allRequests.map(([ms]) => ms);
    const times = requestsMs.filter((ms) => ms >= fromMs && ms < toMs);
    const perMinute = (times.length * 60_000) / (toMs - fromMs);
    const pauses = times.slice(1).map((ms, i) => ms - (times[i] as number));
    const boundaries = requestGaps(await readRuns(system.client), requestsMs, fromMs, toMs);
    return {
      rows: [
        row('requests a minute', perMinute, { digits: 1 }),
        row('share of 800', perMinute / LIMIT_PER_MINUTE, { digits: 4, bar: { least: 0.97 } }),
        row('answers 429', stats.tooManyRequests, NEVER),
        row('most requests in any 60 s', stats.maxHelixRequestsPer60Seconds, { bar: { most: LIMIT_PER_MINUTE } }),
        row('pause between two requests, mean', mean(pauses), { unit: 'ms', digits: 1 }),
        row('pause between two requests, p99', quantile(pauses, 0.99), { unit: 'ms' }),
        row('longest pause', max(pauses), { unit: 'ms' }),
      ],
      tables: [
        {
          title: 'Pauses of requests (ms) where one run of the workflow ends and the next begins',
          columns: ['between', 'how often', 'mean', 'most'],
          rows: boundaries.map(({ kind, gaps }) => [kind, gaps.length, mean(gaps), max(gaps)]),
        },
      ],
      conditions: [
        `${users} users (${users / 100} requests a poll), 1 % of them live; ${warmUpSeconds} s of warm-up, ${seconds} s ` +
          'measured; TWITCH_REQUESTS_PER_MINUTE at its default of 780',
      ],
      versions: await system.versions(),
    };
  },
};
