import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FullStore, openFullStore } from '../lib/fullStore.ts';
import { max, quantile, total } from '../lib/measure.ts';
import { GO_LIVES_PER_SECOND, LIVE, type Reactions, reactions, trickle, USERS } from '../lib/reactions.ts';
import { type Remote, startRemote } from '../lib/remote.ts';
import { startRemoteSandbox } from '../lib/remoteSandbox.ts';
import { NEVER, type Outcome, type Row, row, type Table, tableOf } from '../lib/results.ts';
import type { SandboxStart } from '../lib/sandboxProcess.ts';
import type { Scenario, ScenarioContext } from '../lib/scenario.ts';
import { startBenchSystem } from '../lib/system.ts';
import type { Timed, WebClientCalls } from '../lib/webClient.ts';
import { webRequests } from '../lib/webRequests.ts';

/** High enough that it limits nothing. */
const UNLIMITED_PER_MINUTE = 1_000_000;
const TOKEN = 'token-of-the-benchmark';
const PAGES = 50;
const BULK = 10_000;
const MOST_MS = { bar: { most: 200 } };
/** Time without and with pages takes turns, so that what changes on the machine meanwhile changes both. */
const TURNS = [false, true, true, false];

/** Whether pages and API are quick with all that an installation may hold, and leave the polls alone. */
export const web: Scenario = {
  measures:
    'Pages and API with 1,000,000 targets and 20,000 live streams, beside a poll at full budget; then what 50 open pages ' +
    'cost `budget` and `reaction`.',

  async run(context): Promise<Outcome> {
    const client = startRemote<WebClientCalls>(join(import.meta.dirname, '..', 'lib', 'webClient.ts'));
    context.defer(() => client.close());
    const large = await readFull(context, client);
    const reaction = await measureReaction(context, client);
    return {
      rows: [...large.rows, ...reaction.rows],
      tables: [...large.tables, ...reaction.tables],
      conditions: [...large.conditions, ...reaction.conditions],
      versions: large.versions,
    };
  },
};

type Client = Remote<WebClientCalls>;

/** Fills a store through polls of the sandbox, reads everything, and counts requests to Twitch without and with pages. */
async function readFull({ quick, say, defer }: ScenarioContext, client: Client) {
  const users = quick ? 5_000 : 1_000_000;
  const live = users / 50;
  const readSeconds = quick ? 5 : 90;
  const turnSeconds = quick ? 3 : 25;
  // Both sandboxes have the same users, and the same of them live. The first lets a poll of them all be quick.
  const twitch: SandboxStart = {
    users,
    live,
    seed: 61,
    requestsPerMinute: 100 * UNLIMITED_PER_MINUTE,
    latencyMs: [0, 0],
  };
  const limited = await startRemoteSandbox({ users, live, seed: 61 });
  defer(() => limited.close());
  const system = await startBenchSystem({ defer }, { twitch, env: { ADMIN_TOKEN: TOKEN } });
  say(`importing ${users} users, and polling them once without a limit`);
  await system.importTargets();
  const quickWorker = await system.startWorker({ TWITCH_REQUESTS_PER_MINUTE: String(UNLIMITED_PER_MINUTE) });
  const { report } = await system.pollOnce();
  if (report.failedBatches > 0) throw new Error(`batches failed: ${report.problems}`);
  await quickWorker.stop();

  say('adding what is refused, gone and labelled');
  const store = await openFullStore(system.services.redisUrl);
  defer(async () => store.close());
  const ids = await limited.calls.userIds();
  const idle = ids.filter((_, i) => i % 50 !== 0);
  await store.fill(ids, idle);
  const worker = await system.startWorker(limited.settings);
  const origin = new URL(worker.healthUrl).origin;
  await system.schedule();
  // The burst of the beginning is over then.
  await sleep(quick ? 1_000 : 5_000);

  const description = JSON.parse(await client.calls.text(`${origin}/openapi.json`));
  const requests = webRequests(description, await store.samples(ids));
  await store.watch();
  say(`reading ${requests.length} pages and operations in turns for ${readSeconds} s`);
  const read = await client.calls.read(origin, requests, readSeconds);
  say(`adding and removing ${BULK} targets at once; all targets as a file`);
  const bulkIds = Array.from({ length: BULK }, (_, i) => String(900_000_000 + i));
  const bulk = await client.calls.bulk(origin, TOKEN, bulkIds, quick ? 3 : 20);
  const firstBytes = await client.calls.firstBytes(`${origin}/api/v1/targets/export`, quick ? 3 : 50);
  const heldBy = await store.slowest();
  const transfer = await client.calls.transfer(origin, TOKEN);
  const inStore = await store.countLive();

  const perMinute: Record<'without' | 'with', number[]> = { without: [], with: [] };
  for (const withPages of TURNS) {
    say(`requests to Twitch for ${turnSeconds} s, ${withPages ? `${PAGES} pages open` : 'no page open'}`);
    if (withPages) await client.calls.openPages(origin, PAGES);
    const fromMs = Date.now();
    await sleep(turnSeconds * 1_000);
    const toMs = Date.now();
    if (withPages) await client.calls.closePages();
    const times = (await limited.calls.requests()).filter(([ms]) => ms >= fromMs && ms < toMs);
    perMinute[withPages ? 'with' : 'without'].push((times.length * 60_000) / (toMs - fromMs));
  }
  const { tooManyRequests } = await limited.calls.stats();
  const versions = await system.versions();
  await Promise.all([system.stop(), limited.close()]);

  const answers = [...read.values(), bulk.add, bulk.remove, firstBytes];
  const bad = answers.flatMap((each) => each.bad);
  if (bad.length > 0) say(`answers that were not 2xx: ${[...new Set(bad)].slice(0, 10).join(', ')}`);
  const mean = (values: number[]) => total(values) / values.length;
  const p99 = ({ ms }: Timed) => quantile(ms, 0.99);
  return {
    rows: [
      row('slowest page or read of the API, p99', max([...read.values()].map(p99)), { unit: 'ms', ...MOST_MS }),
      row(`adding ${BULK.toLocaleString('en')} targets, p99`, p99(bulk.add), { unit: 'ms', ...MOST_MS }),
      row(`removing ${BULK.toLocaleString('en')} targets, p99`, p99(bulk.remove), { unit: 'ms', ...MOST_MS }),
      row('file of all targets, first byte, p99', p99(firstBytes), { unit: 'ms', ...MOST_MS }),
      row('answers that were not 2xx', bad.length, NEVER),
      row('longest that one command held the store', heldBy[0]?.longestMs ?? 0, { unit: 'ms', digits: 1 }),
      row('export of all targets', transfer.exportSeconds, { unit: 's', digits: 1 }),
      row('import of the same file', transfer.importSeconds, { unit: 's', digits: 1 }),
      row('`budget` without pages', mean(perMinute.without), { unit: 'requests a minute', digits: 1 }),
      row(`\`budget\` with ${PAGES} pages ÷ without`, mean(perMinute.with) / mean(perMinute.without), {
        digits: 3,
        bar: { least: 0.97 },
      }),
      row('answers 429', tooManyRequests, NEVER),
    ],
    tables: [readsTable(read), heldTable(heldBy)],
    conditions: [
      `${users.toLocaleString('en')} user targets, ${inStore.toLocaleString('en')} streams in the live set, found by a poll ` +
        'of the sandbox; 10,000 users refused and 10,000 gone, a label for one in ten, 500 reports, written by the same code ' +
        'as in operation',
      `polls at the default of 780 requests a minute against a sandbox that grants 800; one reader in a process of its own, ` +
        `${readSeconds} s in turns; pages load what they are made of and follow the feed, ${turnSeconds} s a turn`,
    ],
    versions,
  };
}

function readsTable(read: ReadonlyMap<string, Timed>): Table {
  const lines = [...read].sort(([, a], [, b]) => quantile(b.ms, 0.99) - quantile(a.ms, 0.99));
  return tableOf('Pages and reads of the API (ms until the last byte), the slowest first', lines, {
    '': ([name]) => `\`${name}\``,
    answers: ([, { ms }]) => ms.length,
    p50: ([, { ms }]) => quantile(ms, 0.5),
    p99: ([, { ms }]) => quantile(ms, 0.99),
    most: ([, { ms }]) => max(ms),
  });
}

function heldTable(heldBy: Awaited<ReturnType<FullStore['slowest']>>): Table {
  return tableOf('Commands and scripts that held the store for more than a millisecond', heldBy.slice(0, 12), {
    '': ({ command }) => command,
    'how often': ({ count }) => count,
    'longest, ms': ({ longestMs }) => longestMs,
  });
}

/** How soon a new stream is in the queue, as `reaction` measures it, without and with pages. */
async function measureReaction({ quick, say, defer }: ScenarioContext, client: Client) {
  const turnSeconds = quick ? 3 : 25;
  const system = await startBenchSystem({ defer }, { twitch: { users: USERS, live: LIVE, seed: 11 } });
  await system.importTargets();
  const worker = await system.startWorker();
  const origin = new URL(worker.healthUrl).origin;
  await system.schedule();
  await system.arrivals.missing(await system.sandbox.liveIds(), 30_000);

  const found = { without: [] as Reactions[], with: [] as Reactions[] };
  let untold = 0;
  for (const withPages of TURNS) {
    say(
      `${GO_LIVES_PER_SECOND} go-lives a second for ${turnSeconds} s, ${withPages ? `${PAGES} pages open` : 'no page open'}`,
    );
    if (withPages) await client.calls.openPages(origin, PAGES);
    const fromMs = Date.now();
    const goneLive = (await trickle(system.sandbox, turnSeconds)).filter(({ visibleMs }) => visibleMs >= fromMs);
    if (withPages) {
      for (const { announced } of await client.calls.closePages()) {
        const told = new Set(announced);
        untold += goneLive.filter(({ streamId }) => !told.has(streamId)).length;
      }
    }
    found[withPages ? 'with' : 'without'].push(reactions(goneLive, system.arrivals.atMs));
  }
  await system.stop();

  const both = [
    { name: 'without pages', of: found.without },
    { name: `with ${PAGES} pages`, of: found.with },
  ].map(({ name, of }) => ({
    name,
    goneLive: total(of.map(({ goneLive }) => goneLive)),
    missed: total(of.map(({ missed }) => missed)),
    ms: of.flatMap(({ ms }) => ms),
  }));
  const ratio = (q: number) => quantile(both[1]?.ms ?? [], q) / quantile(both[0]?.ms ?? [], q);
  const rows: Row[] = [
    row('`reaction` without pages, p50', quantile(both[0]?.ms ?? [], 0.5), { unit: 'ms' }),
    row(`\`reaction\`, p50 with ${PAGES} pages ÷ without`, ratio(0.5), { digits: 3, bar: { most: 1.15 } }),
    row(`\`reaction\`, p99 with ${PAGES} pages ÷ without`, ratio(0.99), { digits: 3, bar: { most: 1.15 } }),
    row('go-lives not announced', total(both.map(({ missed }) => missed)), NEVER),
    row('go-lives that an open page did not show', untold, NEVER),
  ];
  const columns = {
    '': ({ name }: (typeof both)[number]) => name,
    'go-lives': ({ goneLive }: (typeof both)[number]) => goneLive,
    ...Object.fromEntries(
      [0.5, 0.9, 0.99, 1].map((q) => [q === 1 ? 'most' : `p${q * 100}`, ({ ms }: { ms: number[] }) => quantile(ms, q)]),
    ),
  };
  return {
    rows,
    tables: [tableOf('`reaction` (ms)', both, columns)],
    conditions: [`\`reaction\`: ${USERS} users, a poll a second, turns of ${turnSeconds} s without and with pages`],
  };
}
