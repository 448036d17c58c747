import { pino } from 'pino';
import { Random } from '../../sandbox/twitch/random.ts';
import { secretUrl } from '../../src/config/secret.ts';
import { connectStore, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { storeOn } from '../../src/storage/store.ts';
import { lagsMs } from '../lib/arrivals.ts';
import { DAILY_SHARE, DAYS, EXPONENT, HeavyTailed } from '../lib/heavyTailed.ts';
import { mean, quantile } from '../lib/measure.ts';
import { NEVER, type Outcome, row } from '../lib/results.ts';
import type { Scenario, ScenarioContext } from '../lib/scenario.ts';
import { type BenchSystem, startBenchSystem } from '../lib/system.ts';

const REQUESTS_PER_MINUTE = 780;
const GO_LIVES_PER_SECOND = 4;
/** Longer than a turn of the dormant users takes, so that none is over before it is seen. */
const STREAM_SECONDS = 120;

/** What two tiers of polling frequency bring when the budget is too small to poll every target in each interval. */
export const frequency: Scenario = {
  measures:
    'Lag from the moment at which the API first shows a stream to its message, with a budget that is too small for the ' +
    'interval: once with one tier for all users, once with a tier of every interval for those that were live in the last ' +
    `${DAYS} days and one of turns for the others.`,

  async run({ quick, say, defer }): Promise<Outcome> {
    const users = quick ? 4_000 : 40_000;
    const sweepSeconds = (users / 100 / REQUESTS_PER_MINUTE) * 60;
    // As 100,000 users with the default interval of 30 s: the requests of a sweep take 2.6 intervals.
    const intervalSeconds = Math.max(1, Math.round(sweepSeconds / 2.6));
    const seconds = Math.ceil(8 * sweepSeconds);
    const law = new HeavyTailed(users);
    const history = new Random(77);
    const recent = new Set(Array.from({ length: Math.round(law.total) }, () => law.draw(history)));

    const measure = async (hot: 'all' | 'recent') =>
      runPhase(hot, { users, intervalSeconds, seconds, recent, say, defer });
    const uniform = await measure('all');
    const split = await measure('recent');
    return {
      rows: [
        row('users that were live lately', (100 * recent.size) / users, { unit: '%', digits: 1 }),
        row('go-lives', uniform.goLives + split.goLives),
        row('go-lives not announced', uniform.missing + split.missing, NEVER),
        row('announced more than once', uniform.repeats + split.repeats, NEVER),
        row('one tier: lag, mean', uniform.meanSeconds, { unit: 's', digits: 2 }),
        row('one tier: lag, p99', uniform.p99Seconds, { unit: 's', digits: 2 }),
        row('two tiers: lag, mean', split.meanSeconds, { unit: 's', digits: 2 }),
        row('two tiers: lag, p99', split.p99Seconds, { unit: 's', digits: 2 }),
        row('mean, two ÷ one', split.meanSeconds / uniform.meanSeconds, { digits: 2, bar: { most: 0.5 } }),
        row('p99, two ÷ one', split.p99Seconds / uniform.p99Seconds, { digits: 2 }),
      ],
      conditions: [
        `${users} users, a sweep of ${sweepSeconds.toFixed(0)} s, an interval of ${intervalSeconds} s; ` +
          `${GO_LIVES_PER_SECOND} go-lives a second for ${seconds} s each`,
        `${DAILY_SHARE * 100} % of the users go live every day, behind them go-lives per user fall with the rank to the power of ` +
          `-${EXPONENT}; those of the ${DAYS} days before are drawn from the same law, ${(law.total / users).toFixed(2)} per user`,
      ],
      versions: split.versions,
    };
  },
};

interface PhaseOptions extends Pick<ScenarioContext, 'say' | 'defer'> {
  users: number;
  intervalSeconds: number;
  seconds: number;
  recent: ReadonlySet<number>;
}

/** A system of its own, so that both phases begin alike and meet the same go-lives. */
async function runPhase(hot: 'all' | 'recent', options: PhaseOptions) {
  const { users, intervalSeconds, seconds, recent, say, defer } = options;
  const system = await startBenchSystem({ defer }, { twitch: { users, seed: 31 }, intervalSeconds });
  await addTargets(system, hot === 'all' ? undefined : recent);
  await system.startWorker();
  await system.schedule();
  say(`${hot === 'all' ? 'one tier' : 'two tiers'}: ${seconds} s of go-lives`);
  // Nobody is live at first, so that everything that arrives is a go-live of the measurement.
  await system.sandbox.trickle({
    seconds,
    perSecond: GO_LIVES_PER_SECOND,
    spread: 'heavyTailed',
    keepLive: GO_LIVES_PER_SECOND * STREAM_SECONDS,
  });
  const goneLive = await system.sandbox.goneLive();
  const ids = goneLive.map(({ streamId }) => streamId);
  const missing = await system.arrivals.missing(ids, 8 * intervalSeconds * 1_000 + 60_000);
  const lags = lagsMs(goneLive, system.arrivals.atMs, 'visibleMs');
  const versions = await system.versions();
  await system.stop();
  return {
    goLives: goneLive.length,
    missing: missing.length,
    repeats: system.arrivals.repeats,
    meanSeconds: mean(lags) / 1_000,
    p99Seconds: quantile(lags, 0.99) / 1_000,
    versions,
  };
}

/** Adds all users, dormant but for those that were live lately; without these, all are hot. */
async function addTargets(system: BenchSystem, recent: ReadonlySet<number> | undefined): Promise<void> {
  const connection = connectStore({ url: secretUrl(system.services.redisUrl), logger: pino({ level: 'silent' }) });
  await waitUntilReady(connection, 5_000);
  const { targets } = storeOn(connection);
  const ids = await system.sandbox.userIds();
  const isHot = (_: string, i: number) => recent === undefined || recent.has(i);
  await targets.add('user', ids.filter(isHot), 0);
  await targets.add('user', ids, 0, 0);
  connection.disconnect();
}
