import { lagsMs } from '../lib/arrivals.ts';
import { mean, quantile } from '../lib/measure.ts';
import { NEVER, type Outcome, row } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { startBenchSystem } from '../lib/system.ts';

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
    const system = await startBenchSystem({ defer }, { twitch: { users, live: users / 100, seed: 31 } });
    say(`importing ${users} users`);
    await system.importTargets();
    await system.startWorker();
    await system.schedule();
    await system.arrivals.missing(await system.sandbox.liveIds(), (sweepSeconds + 30) * 1_000);

    const seconds = Math.ceil(sweeps * sweepSeconds);
    say(`${seconds} s of go-lives, ${GO_LIVES_PER_SECOND} a second`);
    const fromMs = Date.now();
    await system.sandbox.trickle({ seconds, perSecond: GO_LIVES_PER_SECOND, spread: 'even', keepLive: users / 10 });
    const toMs = Date.now();
    say('waiting for the last of them');
    const ids = (await system.sandbox.goneLive()).map(({ streamId }) => streamId);
    const missing = await system.arrivals.missing(ids, (2 * sweepSeconds + 10) * 1_000);
    const [stats, requests] = await Promise.all([system.sandbox.stats(), system.sandbox.requests()]);
    const goneLive = await system.sandbox.goneLive();

    const lags = lagsMs(goneLive, system.arrivals.atMs, 'visibleMs');
    const waits = goneLive.flatMap(({ visibleMs, servedMs }) => (servedMs ? [servedMs - visibleMs] : []));
    const betweenPolls = timesBetweenPolls(requests, fromMs, toMs);
    const idealMs = mean(betweenPolls) / 2;
    return {
      rows: [
        row('go-lives', goneLive.length),
        row('go-lives not announced', missing.length, NEVER),
        row('announced more than once', system.arrivals.repeats, NEVER),
        row('time between two polls of a target (T)', mean(betweenPolls) / 1_000, { unit: 's', digits: 2 }),
        row('ideal lag (T/2)', idealMs / 1_000, { unit: 's', digits: 2 }),
        row('lag, mean', mean(lags) / 1_000, { unit: 's', digits: 2 }),
        row('lag, p99', quantile(lags, 0.99) / 1_000, { unit: 's', digits: 2 }),
        row('mean lag ÷ ideal', mean(lags) / idealMs, { digits: 3, bar: { most: 1.05 } }),
        row('p99 lag ÷ T', quantile(lags, 0.99) / (2 * idealMs), { digits: 3 }),
        row('of the lag: until Twitch was asked, mean', mean(waits) / 1_000, { unit: 's', digits: 2 }),
        row('of the lag: from its answer to the queue, mean', mean(lags) - mean(waits), { unit: 'ms' }),
        row('answers 429', stats.tooManyRequests, NEVER),
      ],
      conditions: [
        `${users} users (${users / 100} requests a poll), 1 % of them live at first; ${GO_LIVES_PER_SECOND} go-lives a second ` +
          `for ${seconds} s, spread evenly over time and users (at random the mean would need ten times as many to be as steady)`,
      ],
      versions: await system.versions(),
    };
  },
};

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
