import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startFaultProxy } from '../../sandbox/faultProxy.ts';
import { DELIVER_WORKFLOW_TYPE, POLL_WORKFLOW_TYPE } from '../../src/poll/names.ts';
import { Keys } from '../../src/storage/keys.ts';
import { quantile } from '../lib/measure.ts';
import type { Outcome } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { BenchSystem } from '../lib/system.ts';

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
    const system = await BenchSystem.start({
      twitch: { requestsPerMinute: 800, users: USERS, live: 20, latencyMs: [40, 120], seed: 7 },
      env: { POLL_INTERVAL_SECONDS: String(intervalSeconds) },
    });
    defer(() => system.stop());
    const broker = new URL(system.services.rabbitmqUrl);
    const proxy = await startFaultProxy({ target: { host: broker.hostname, port: Number(broker.port) } });
    defer(() => proxy.close());
    await system.importTargets();
    const worker = await system.startWorker({ RABBITMQ_URL: proxy.url(broker.href) });
    await system.poll();
    await system.arrivals?.missing(await system.sandbox.liveIds(), (intervalSeconds + 30) * 1_000);

    say(`${outageMs / 1_000} s without a broker, ${perSecond} go-lives a second, a poll every ${intervalSeconds} s`);
    await proxy.refuse(true);
    proxy.reset();
    const awayMs = Date.now();
    const marks = watchMarks(system);
    defer(async () => marks.stop());
    await system.sandbox.trickle({
      perSecond,
      spread: 'even',
      keepLive: perSecond * intervalSeconds * LIVES_INTERVALS,
    });
    while (Date.now() - awayMs < outageMs) {
      await sleep(Math.min(30_000, outageMs));
      const { count } = await running(system, DELIVER_WORKFLOW_TYPE);
      say(`${count} deliveries wait`);
    }
    await system.sandbox.stopTrickle();
    // So that the last ones are in a delivery, too.
    await sleep((intervalSeconds + 5) * 1_000);
    const waiting = (await running(system, DELIVER_WORKFLOW_TYPE)).count;
    const shown = (await system.sandbox.goneLive()).filter(({ servedMs }) => servedMs).map(({ streamId }) => streamId);
    const early = shown.filter((id) => system.arrivals?.atMs.has(id)).length;
    const polls = await pollsSince(system, awayMs);
    await marks.stop();
    say(`the broker is back; ${shown.length} streams are owed`);
    await proxy.restore();
    const backMs = Date.now();
    const missing = (await system.arrivals?.missing(shown, 180_000)) ?? shown;
    const arrived = shown.flatMap((id) => system.arrivals?.atMs.get(id) ?? []);
    // What would come twice comes now.
    await sleep((intervalSeconds + 5) * 1_000);
    const after = await pollsSince(system, backMs);
    await system.pause();
    await worker.stop();

    return {
      rows: [
        { name: 'streams that Twitch has shown', value: shown.length, unit: '' },
        { name: 'arrived before the broker was back', value: early, unit: '', bar: { most: 0 } },
        { name: 'lost', value: missing.length, unit: '', bar: { most: 0 } },
        { name: 'announced more than once', value: system.arrivals?.repeats ?? 0, unit: '', bar: { most: 0 } },
        { name: 'claims that ran out or changed hands', value: marks.lapsed.size, unit: '', bar: { most: 0 } },
        { name: 'polls during the outage', value: polls.durations.length, unit: '' },
        { name: 'poll, p50', value: quantile(polls.durations, 0.5) / 1_000, unit: 's', digits: 2 },
        { name: 'poll, longest', value: Math.max(...polls.durations) / 1_000, unit: 's', digits: 2 },
        {
          name: 'longest time between two starts ÷ interval',
          value: Math.max(...polls.gaps) / (intervalSeconds * 1_000),
          unit: '',
          digits: 2,
          bar: { most: 1.2 },
        },
        {
          name: 'deliveries when the broker came back',
          value: waiting,
          unit: '',
          bar: { most: polls.durations.length },
        },
        {
          name: 'from its return to the first arrival',
          value: (Math.min(...arrived) - backMs) / 1_000,
          unit: 's',
          digits: 1,
        },
        {
          name: 'from its return to the last arrival',
          value: (Math.max(...arrived) - backMs) / 1_000,
          unit: 's',
          digits: 1,
          bar: { most: 60 },
        },
        {
          name: 'poll, longest after the return',
          value: Math.max(0, ...after.durations) / 1_000,
          unit: 's',
          digits: 2,
        },
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
