import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from '../contenders/contender.ts';
import { Arrivals } from '../lib/arrivals.ts';
import { readRuns } from '../lib/histories.ts';
import { quantile } from '../lib/measure.ts';
import { GO_LIVES_PER_SECOND, LIVE, type Reactions, reactions, trickle, USERS } from '../lib/reactions.ts';
import { startRemote } from '../lib/remote.ts';
import { startRemoteSandbox } from '../lib/remoteSandbox.ts';
import { NEVER, type Outcome, row } from '../lib/results.ts';
import type { SandboxStart } from '../lib/sandboxProcess.ts';
import type { Scenario, ScenarioContext } from '../lib/scenario.ts';
import { stepTimes } from '../lib/stepTimes.ts';
import { type BenchSystem, startBenchSystem } from '../lib/system.ts';

const INTERVAL_MS = 1_000;

/** How soon a new stream is in the queue after Twitch has shown it. */
export const reaction: Scenario = {
  measures:
    'From the answer of Helix that first shows a stream to its `stream.online` in the hands of a consumer, 100 users, beside ' +
    'a loop without Temporal and beside `@twurple/api`.',

  async run(context: ScenarioContext): Promise<Outcome> {
    const { quick, say, defer } = context;
    const seconds = quick ? 4 : 75;
    const latencyMs = quick ? ([0, 0] as const) : ([40, 120] as const);
    const twitch = { users: USERS, live: LIVE, latencyMs, seed: 11 };
    const system = await startBenchSystem({ defer }, { twitch });
    await system.importTargets();
    await system.startWorker();
    await system.schedule();
    await system.arrivals.missing(await system.sandbox.liveIds(), 30_000);

    const runs = [
      () => runPoller(system, seconds),
      () => contend(context, system, twitch, 'bareLoop.ts', seconds),
      () => contend(context, system, twitch, 'twurple.ts', seconds),
    ];
    say(`${seconds} s of go-lives for the poller, a loop without Temporal and @twurple/api${quick ? ', at once' : ''}`);
    const [poller, bare, twurple] = (await (quick ? together(runs) : oneByOne(runs))) as [
      Reactions,
      Reactions,
      Reactions,
    ];
    const stats = await system.sandbox.stats();
    const steps = stepTimes(await readRuns(system.client));

    const line = (name: string, { goneLive, missed, ms }: Reactions) => {
      return [name, goneLive, missed, ...[0.5, 0.9, 0.99, 1].map((q) => quantile(ms, q))];
    };
    const times = (q: number) => quantile(poller.ms, q) / quantile(bare.ms, q);
    return {
      rows: [
        row('go-lives', poller.goneLive),
        row('go-lives not announced', poller.missed, NEVER),
        row('announced more than once', system.arrivals.repeats, NEVER),
        row('reaction, p50', quantile(poller.ms, 0.5), { unit: 'ms' }),
        row('reaction, p99', quantile(poller.ms, 0.99), { unit: 'ms' }),
        // A time tells the machine as well: the same work without Temporal, in the same run, tells it apart.
        row('p50 ÷ bare loop', times(0.5), { digits: 2, bar: { most: 6 } }),
        row('p99 ÷ bare loop', times(0.99), { digits: 2 }),
        row('answers 429', stats.tooManyRequests, NEVER),
      ],
      tables: [
        {
          title: 'Contenders (ms; `@twurple/api` until its answer is read, without store and broker)',
          columns: ['', 'go-lives', 'missed', 'p50', 'p90', 'p99', 'most'],
          rows: [line('stream-poller', poller), line('loop without Temporal', bare), line('@twurple/api', twurple)],
        },
        {
          title: 'Where the poller spends the time (ms, by the histories of polls that found something)',
          columns: ['step', 'p50', 'p99'],
          rows: steps,
        },
      ],
      conditions: [
        `${USERS} users, ${LIVE} of them live, ${GO_LIVES_PER_SECOND} go-lives a second for ${seconds} s, a poll a second; ` +
          `an answer of the sandbox takes ${latencyMs.join(' to ')} ms`,
        'each contender meets a sandbox of its own that starts from the same seed: the same users go live in the same order',
      ],
      versions: await system.versions(),
    };
  },
};

const together = <T>(works: readonly (() => Promise<T>)[]): Promise<T[]> => Promise.all(works.map((work) => work()));

async function oneByOne<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const work of works) results.push(await work());
  return results;
}

async function runPoller(system: BenchSystem, seconds: number): Promise<Reactions> {
  const goneLive = await trickle(system.sandbox, seconds);
  await system.pause();
  return reactions(goneLive, system.arrivals.atMs);
}

/** Runs a contender against a sandbox in the same state, and a virtual host of its own. */
async function contend(
  { defer }: ScenarioContext,
  system: BenchSystem,
  twitch: SandboxStart,
  file: 'bareLoop.ts' | 'twurple.ts',
  seconds: number,
): Promise<Reactions> {
  const sandbox = await startRemoteSandbox(twitch);
  defer(() => sandbox.close());
  const url = await system.services.rabbitmq.addVhost(file.replace('.ts', ''));
  const contender = startRemote<Contender>(join(import.meta.dirname, '..', 'contenders', file), {
    ...system.env,
    ...sandbox.settings,
    RABBITMQ_URL: url,
    TWURPLE_MOCK_API_PORT: new URL(sandbox.settings.TWITCH_API_URL).port,
    USER_IDS: (await sandbox.calls.userIds()).join(','),
    INTERVAL_MS: String(INTERVAL_MS),
  });
  defer(() => contender.close());
  const arrivals = new Arrivals();
  if (file === 'bareLoop.ts') await arrivals.start(url);
  // The streams that are live already are found meanwhile.
  await sleep(2 * INTERVAL_MS);
  const goneLive = await trickle(sandbox.calls, seconds);
  const found = await contender.calls.stop();
  await Promise.all([arrivals.stop(), contender.close(), sandbox.close()]);
  return reactions(goneLive, file === 'bareLoop.ts' ? arrivals.atMs : found);
}
