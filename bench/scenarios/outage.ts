import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startFaultProxy } from '../../sandbox/faultProxy.ts';
import { DELIVER_WORKFLOW_TYPE, POLL_WORKFLOW_TYPE } from '../../src/poll/names.ts';
import { Keys } from '../../src/storage/keys.ts';
import { max, quantile } from '../lib/measure.ts';
import { NEVER, type Outcome, row } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { type BenchSystem, startBenchSystem } from '../lib/system.ts';

const USERS = 2_000;
/** A stream has to live through a poll, to be seen by it. */
const LIVES_INTERVALS = 4;
const WATCH_MARKS_MS = 2_000;

/** A broker that is away for long while streams go live: polling keeps its interval, and everything arrives once after that. */
export const outage: Scenario = {
  measures:
    'The broker refuses every connection while streams go live at a steady rate. Polls must keep their interval, no claim may ' +
    'run out, and when the broker is back every stream must arrive once.',

  async run({ quick, minutes, perSecond = 1, say, defer }): Promise<Outcome> {
    const intervalSeconds = quick ? 5 : 30;
    const outageMs = (minutes ?? (quick ? 1.25 : 5)) * 60_000;
    const system = await startBenchSystem({ defer }, { twitch: { users: USERS, live: 20, seed: 7 }, intervalSeconds });
    const broker = new URL(system.services.rabbitmqUrl);
    const proxy = await startFaultProxy({ target: { host: broker.hostname, port: Number(broker.port) } });
    defer(() => proxy.close());
    await system.importTargets();
    await system.startWorker({ RABBITMQ_URL: proxy.url(broker.href) });
    await system.schedule();
    await system.arrivals.missing(await system.sandbox.liveIds(), (intervalSeconds + 30) * 1_000);

    say(`${outageMs / 1_000} s without a broker, ${perSecond} go-lives a second, a poll every ${intervalSeconds} s`);
    await proxy.refuse(true);
    proxy.reset();
    const awayMs = Date.now();
    const marks = watchMarks(system);
    defer(async () => marks.stop());
    const seconds = outageMs / 1_000;
    const keepLive = perSecond * intervalSeconds * LIVES_INTERVALS;
    const trickle = system.sandbox.trickle({ seconds, perSecond, spread: 'even', keepLive });
    while (Date.now() - awayMs < outageMs) {
      await sleep(Math.min(30_000, outageMs));
      const { count } = await running(system, DELIVER_WORKFLOW_TYPE);
      say(`${count} deliveries wait`);
    }
    await trickle;
    // So that the last ones are in a delivery, too.
    await sleep((intervalSeconds + 5) * 1_000);
    const waiting = (await running(system, DELIVER_WORKFLOW_TYPE)).count;
    const shown = (await system.sandbox.goneLive()).filter(({ servedMs }) => servedMs).map(({ streamId }) => streamId);
    const early = shown.filter((id) => system.arrivals.atMs.has(id)).length;
    const polls = await pollsSince(system, awayMs);
    await marks.stop();
    say(`the broker is back; ${shown.length} streams are owed`);
    await proxy.restore();
    const backMs = Date.now();
    const missing = await system.arrivals.missing(shown, 180_000);
    const arrived = shown.flatMap((id) => system.arrivals.atMs.get(id) ?? []);
    // What would come twice comes now.
    await sleep((intervalSeconds + 5) * 1_000);
    const after = await pollsSince(system, backMs);

    return {
      rows: [
        row('streams that Twitch has shown', shown.length),
        row('arrived before the broker was back', early, NEVER),
        row('lost', missing.length, NEVER),
        row('announced more than once', system.arrivals.repeats, NEVER),
        row('claims that ran out or changed hands', marks.lapsed.size, NEVER),
        row('polls during the outage', polls.durations.length),
        row('poll, p50', quantile(polls.durations, 0.5) / 1_000, { unit: 's', digits: 2 }),
        row('poll, longest', max(polls.durations) / 1_000, { unit: 's', digits: 2 }),
        row('longest time between two starts ÷ interval', max(polls.gaps) / (intervalSeconds * 1_000), {
          digits: 2,
          bar: { most: 1.2 },
        }),
        row('deliveries when the broker came back', waiting, { bar: { most: polls.durations.length } }),
        row('from its return to the first arrival', (Math.min(...arrived) - backMs) / 1_000, { unit: 's', digits: 1 }),
        row('from its return to the last arrival', (max(arrived) - backMs) / 1_000, {
          unit: 's',
          digits: 1,
          bar: { most: 60 },
        }),
        row('poll, longest after the return', max([0, ...after.durations]) / 1_000, { unit: 's', digits: 2 }),
      ],
      conditions: [
        `${USERS} users; ${outageMs / 60_000} minutes without a broker; ${perSecond} go-lives a second, ` +
          `each on for at least ${LIVES_INTERVALS} intervals of ${intervalSeconds} s`,
      ],
      versions: await system.versions(),
    };
  },
};

/** Runs of a kind that have not ended. */
async function running({ client }: BenchSystem, type: string): Promise<{ count: number }> {
  return client.workflow.count(`WorkflowType = '${type}' AND ExecutionStatus = 'Running'`);
}

/** Polls that began since then and have ended: how long each took, and the times between their starts. */
async function pollsSince({ client }: BenchSystem, ms: number): Promise<{ durations: number[]; gaps: number[] }> {
  const query = `WorkflowType = '${POLL_WORKFLOW_TYPE}' AND StartTime >= '${new Date(ms).toISOString()}'`;
  const starts: number[] = [];
  const durations: number[] = [];
  for await (const { startTime, closeTime } of client.workflow.list({ query })) {
    starts.push(startTime.getTime());
    if (closeTime) durations.push(closeTime.getTime() - startTime.getTime());
  }
  starts.sort((a, b) => a - b);
  return { durations, gaps: starts.slice(1).map((start, i) => start - (starts[i] as number)) };
}

/** Looks at the marks of all streams again and again: one that is claimed must stay so, and by the same owner. */
function watchMarks(system: BenchSystem): { lapsed: Set<string>; stop(): Promise<void> } {
  const redis = new Redis(system.services.redisUrl, { protocol: 2 });
  const keys = new Keys();
  const owners = new Map<string, string>();
  const lapsed = new Set<string>();
  let stopped = false;
  const look = async () => {
    const ids = (await system.sandbox.goneLive()).map(({ streamId }) => streamId);
    if (ids.length === 0) return;
    const marks = await redis.mget(ids.map((id) => keys.mark(id)));
    for (const [i, id] of ids.entries()) {
      const [owner, mark] = [owners.get(id), marks[i]];
      if (owner && owner !== mark) lapsed.add(id);
      if (mark) owners.set(id, mark);
    }
  };
  const watching = (async () => {
    for (; !stopped; await sleep(WATCH_MARKS_MS)) await look();
    redis.disconnect();
  })();
  return {
    lapsed,
    async stop() {
      stopped = true;
      await watching;
    },
  };
}
