/** The Twitch sandbox of a benchmark, steered by the process that started this one. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultOrder } from '../../sandbox/twitch/faults.ts';
import { type LiveStream, startTwitchSandbox, type TwitchSandbox } from '../../sandbox/twitch/index.ts';
import { Random } from '../../sandbox/twitch/random.ts';
import { HeavyTailed } from './heavyTailed.ts';
import { serve } from './remote.ts';

export interface SandboxStart {
  /** Users that exist. */
  users: number;
  /** How many of them are live from the start, evenly spread. Default 0. */
  live?: number;
  seed: number;
  /** Size of the rate limit's bucket, and points that it regains a minute. Default: Twitch's 800. */
  requestsPerMinute?: number;
  /** How long an answer takes, in milliseconds: from, to. Default: 40 to 120, as Twitch does. */
  latencyMs?: readonly [number, number];
}

export interface Trickle {
  seconds: number;
  /** Average go-lives a second. */
  perSecond: number;
  /**
   * `random`: users and moments, as in life. `even`: the same time between two go-lives, and users by steps of the golden
   * ratio, which spreads them over the walk: averages need far fewer go-lives to become steady. `heavyTailed`: at random
   * moments, users by {@link HeavyTailed}.
   */
  spread: 'random' | 'even' | 'heavyTailed';
  /** When more streams than this are live, the one that has been live the longest ends. */
  keepLive: number;
}

/** A stream that went live during a measurement. Times are Unix milliseconds of this machine's clock. */
export interface GoneLive {
  streamId: string;
  /** From when on the API's answers showed it. */
  visibleMs: number;
  /** When an answer with it was first sent; absent if none was. */
  servedMs: number | undefined;
}

export type SandboxCalls = typeof calls;

/** Streams that are live from the start have been for so long. */
const LIVE_SINCE_MS = 3_600_000;
const GAME_ID = '509658';
const GOLDEN = (Math.sqrt(5) - 1) / 2;

let sandbox: TwitchSandbox;
let users: string[] = [];
let random: Random;
const liveUsers: string[] = [];
const started: { stream: LiveStream; visibleMs: number }[] = [];
const requests: [ms: number, firstId: string][] = [];

const calls = {
  async start({ users: count, live = 0, seed, requestsPerMinute = 800, latencyMs = [40, 120] }: SandboxStart) {
    sandbox = await startTwitchSandbox({ requestsPerMinute, latencyMs, seed });
    random = new Random(seed);
    sandbox.world.populate({ users: count });
    users = sandbox.world.userIds(count);
    const startedAt = new Date(Date.now() - LIVE_SINCE_MS);
    for (let i = 0; i < live; i++) {
      const userId = users[Math.floor((i * count) / live)] as string;
      sandbox.world.goLive({ userId, gameId: GAME_ID, startedAt });
      liveUsers.push(userId);
    }
    watchRequests();
    return sandbox.settings;
  },
  trickle,
  /** Every stream that a trickle has started. */
  goneLive: (): GoneLive[] =>
    started.map(({ stream: { id }, visibleMs }) => {
      return { streamId: id, visibleMs, servedMs: sandbox.firstServedAtMs(id) };
    }),
  /** Ids of all live streams. */
  liveIds: () => sandbox.world.live().map(({ id }) => id),
  userIds: () => users,
  /** Ids of users, one a line, into a file. */
  writeUserIds: (file: string) => writeFileSync(file, `${users.join('\n')}\n`),
  stats: () => sandbox.stats(),
  fault: (order: FaultOrder) => void sandbox.faults.add(order),
  revokeTokens: () => sandbox.faults.revokeTokens(),
  /** Ends all faults. */
  wellAgain: () => sandbox.faults.clear(),
  /** When each request for streams was answered, in order, with its first id. */
  requests: () => requests,
};

/** Lets users go live, for so long. The seed decides who; only the moments are the clock's. */
async function trickle({ seconds, perSecond, spread, keepLive }: Trickle): Promise<void> {
  const { world } = sandbox;
  const meanMs = 1_000 / perSecond;
  const law = new HeavyTailed(users.length);
  let at = random.next();
  const nextUser = () => {
    if (spread === 'heavyTailed') return users[law.draw(random)] as string;
    at = spread === 'even' ? (at + GOLDEN) % 1 : random.next();
    return users[Math.floor(at * users.length)] as string;
  };
  const until = async (ms: number) => sleep(Math.max(0, ms - performance.now()));
  let dueMs = performance.now();
  const endMs = dueMs + seconds * 1_000;
  for (;;) {
    dueMs += spread === 'even' ? meanMs : random.exponential(meanMs);
    await until(Math.min(dueMs, endMs));
    if (dueMs >= endMs) return;
    let userId = nextUser();
    while (world.streamOf(userId)) userId = nextUser();
    const stream = world.goLive({ userId, gameId: GAME_ID });
    started.push({ stream, visibleMs: Date.now() });
    liveUsers.push(userId);
    if (liveUsers.length > keepLive) world.end(liveUsers.shift() as string);
  }
}

/** A fault that never strikes sees every request. */
function watchRequests(): void {
  sandbox.faults.add({
    kind: 'slowHeaders',
    delayMs: 0,
    match: ({ endpoint, ids }) => {
      if (endpoint === 'streams') requests.push([Date.now(), ids[0] ?? '']);
      return false;
    },
  });
}

serve(calls);
