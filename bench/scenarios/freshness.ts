import { setTimeout as sleep } from 'node:timers/promises';
import { mean, quantile } from '../lib/measure.ts';
import type { Outcome } from '../lib/results.ts';
import type { GoneLive } from '../lib/sandboxProtocol.ts';
import type { Scenario } from '../lib/scenario.ts';
import { BenchSystem } from '../lib/system.ts';

const GO_LIVES_PER_SECOND = 5;
const REQUESTS_PER_MINUTE = 780;

/** How old news is when it arrives, compared with the best that the budget allows. */
export const freshness: Scenario = {
  measures:
    'From the moment at which the API first shows a stream to its `stream.online` in the hands of a consumer, with polls that ' +
    'follow each other without a pause. Half the time between two polls of the same target is the ideal: streams start at any ' +
    'moment in between.',

  async run({ quick, say, defer }): Promise<Outcome> {
    const users = quick ? 4_000 : 50_000;
    const sweeps = 6;
    const sweepSeconds = (users / 100 / REQUESTS_PER_MINUTE) * 60;
    const system = await BenchSystem.start({
      twitch: { requestsPerMinute: 800, users, live: users / 100, latencyMs: [40, 120], seed: 31 },
    });
    defer(() => system.stop());
    say(`importing ${users} users`);
    await system.importTargets();
    const worker = await system.startWorker();
    await system.poll();
    await system.arrivals?.missing(await system.sandbox.liveIds(), (sweepSeconds + 30) * 1_000);

    const seconds = Math.ceil(sweeps * sweepSeconds);
    say(`${seconds} s of go-lives, ${GO_LIVES_PER_SECOND} a second`);
    const fromMs = Date.now();
    await system.sandbox.trickle({ perSecond: GO_LIVES_PER_SECOND, spread: 'even', keepLive: users / 10 });
    await sleep(seconds * 1_000);
    await system.sandbox.stopTrickle();
    const toMs = Date.now();
    say('waiting for the last of them');
    const goneLive = await system.sandbox.goneLive();
    const ids = goneLive.map(({ streamId }) => streamId);
    const missing = (await system.arrivals?.missing(ids, (2 * sweepSeconds + 10) * 1_000)) ?? [];
    const [stats, requests] = await Promise.all([system.sandbox.stats(), system.sandbox.requests()]);
    const served = await system.sandbox.goneLive();
    await system.pause();
    await worker.stop();

    const lags = toLags(goneLive, system.arrivals?.atMs ?? new Map());
    const waits = served.flatMap(({ visibleMs, servedMs }) => (servedMs ? [servedMs - visibleMs] : []));
    const betweenPolls = timesBetweenPolls(requests, fromMs, toMs);
    const idealMs = mean(betweenPolls) / 2;
    return {
      rows: [
        { name: 'go-lives', value: goneLive.length, unit: '' },
        { name: 'go-lives not announced', value: missing.length, unit: '', bar: { most: 0 } },
        { name: 'announced more than once', value: system.arrivals?.repeats ?? 0, unit: '', bar: { most: 0 } },
        { name: 'time between two polls of a target (T)', value: mean(betweenPolls) / 1_000, unit: 's', digits: 2 },
        { name: 'ideal lag (T/2)', value: idealMs / 1_000, unit: 's', digits: 2 },
        { name: 'lag, mean', value: mean(lags) / 1_000, unit: 's', digits: 2 },
        { name: 'lag, p99', value: quantile(lags, 0.99) / 1_000, unit: 's', digits: 2 },
        { name: 'mean lag ÷ ideal', value: mean(lags) / idealMs, unit: '', digits: 3, bar: { most: 1.05 } },
        { name: 'p99 lag ÷ T', value: quantile(lags, 0.99) / (2 * idealMs), unit: '', digits: 3 },
        { name: 'of the lag: until Twitch was asked, mean', value: mean(waits) / 1_000, unit: 's', digits: 2 },
        { name: 'of the lag: from its answer to the queue, mean', value: mean(lags) - mean(waits), unit: 'ms' },
        { name: 'answers 429', value: stats.tooManyRequests, unit: '', bar: { most: 0 } },
      ],
      conditions: [
        `${users} users (${users / 100} requests a poll), 1 % of them live at first; ${GO_LIVES_PER_SECOND} go-lives a second ` +
          `for ${seconds} s, spread evenly over time and users (at random the mean would need ten times as many to be as steady)`,
      ],
      versions: await system.versions(),
    };
  },
};

function toLags(goneLive: readonly GoneLive[], atMs: ReadonlyMap<string, number>): number[] {
  return goneLive.flatMap(({ streamId, visibleMs }) => {
    const reachedMs = atMs.get(streamId);
    return reachedMs === undefined ? [] : [reachedMs - visibleMs];
  });
}

/** The first id of a request names its batch: the walk cuts the same targets into the same batches every time. */
function timesBetweenPolls(requests: readonly [number, string][], fromMs: number, toMs: number): number[] {
  const lastMs = new Map<string, number>();
  const times: number[] = [];
  for (const [ms, firstId] of requests) {
    const last = lastMs.get(firstId);
    lastMs.set(firstId, ms);
    if (last !== undefined && ms >= fromMs && last <= toMs) times.push(ms - last);
  }
  return times;
}
