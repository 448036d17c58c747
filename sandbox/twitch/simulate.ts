import { performance } from 'node:perf_hooks';
import type { Directory } from './directory.ts';
import type { GoLive, LiveStream, StreamChange } from './liveStream.ts';
import { inventTitle } from './names.ts';
import type { Random } from './random.ts';

export interface SimulationOptions {
  /** Ids of the users who go live. */
  users: readonly string[];
  /** Ids of the games they play. Default: every game that was added by name. */
  games?: readonly string[];
  /** Average go-lives a second. Default 0.2; the first comes at once. */
  goLivePerSecond?: number;
  /** Average length of a stream in minutes. Default 30. */
  meanMinutesOnAir?: number;
  /** Average title or game changes a second. Default 0. */
  changePerSecond?: number;
  /** Average flaps a second, of 1 to 60 seconds each. Default 0. */
  flapPerSecond?: number;
  /** Streams that have been on air for up to an hour when the simulation starts. Default 0. */
  liveAtStart?: number;
}

/** What a simulation needs of a world. */
interface Stage {
  readonly games: Directory;
  streamOf(userId: string): LiveStream | undefined;
  goLive(start: GoLive): LiveStream;
  change(userId: string, change: StreamChange): unknown;
  flap(userId: string, ms: number): unknown;
  end(userId: string): unknown;
}

export interface Simulation {
  stop(): void;
}

interface PlannedEnd {
  atMs: number;
  userId: string;
  streamId: string;
}

const TICK_MS = 100;
const SHORTEST_ON_AIR_MS = 2_000;

/** The order of events follows from the generator alone: ticks only decide when those that are due happen. */
export function simulateLife(world: Stage, random: Random, options: SimulationOptions): Simulation {
  const { users, goLivePerSecond = 0.2, meanMinutesOnAir = 30, changePerSecond = 0, flapPerSecond = 0 } = options;
  const games = options.games ?? world.games.stored();
  const rate = goLivePerSecond + changePerSecond + flapPerSecond;
  const ends: PlannedEnd[] = [];
  const startedAtMs = performance.now();
  let nextAtMs = rate > 0 ? 0 : Number.POSITIVE_INFINITY;

  const anyGame = () => games[random.int(games.length)] ?? '';

  function planEnd(end: PlannedEnd): void {
    ends.push(end);
    ends.sort((a, b) => a.atMs - b.atMs);
  }

  function startOne(atMs: number, onAirForMs = 0): void {
    for (let attempt = 0; attempt < 20; attempt++) {
      const userId = users[random.int(users.length)];
      if (userId === undefined || world.streamOf(userId)) continue;
      const startedAt = new Date(Date.now() - onAirForMs);
      const { id } = world.goLive({ userId, gameId: anyGame(), startedAt });
      const lengthMs = Math.max(SHORTEST_ON_AIR_MS, random.exponential(meanMinutesOnAir * 60_000));
      planEnd({ atMs: atMs + lengthMs, userId, streamId: id });
      return;
    }
  }

  function onAir(): PlannedEnd | undefined {
    return ends[random.int(ends.length)];
  }

  function changeOne(): void {
    const stream = world.streamOf(onAir()?.userId ?? '');
    if (!stream) return;
    const gameId = random.next() < 0.5 ? stream.gameId : anyGame();
    world.change(stream.userId, { gameId, title: inventTitle(random, world.games.get(gameId)?.name ?? '') });
  }

  function happen(atMs: number): void {
    const draw = random.next() * rate;
    if (atMs === 0 || draw < goLivePerSecond) startOne(atMs);
    else if (draw < goLivePerSecond + changePerSecond) changeOne();
    else world.flap(onAir()?.userId ?? '', 1_000 + random.int(59_000));
  }

  function endOne({ userId, streamId }: PlannedEnd): void {
    const current = world.streamOf(userId);
    if (!current || current.id === streamId) world.end(userId);
  }

  function advance(): void {
    const nowMs = performance.now() - startedAtMs;
    for (;;) {
      const endAtMs = ends[0]?.atMs ?? Number.POSITIVE_INFINITY;
      const atMs = Math.min(nextAtMs, endAtMs);
      if (atMs > nowMs) return;
      const end = endAtMs <= nextAtMs ? ends.shift() : undefined;
      if (end) endOne(end);
      else {
        happen(atMs);
        nextAtMs += random.exponential(1000 / rate);
      }
    }
  }

  for (let i = 0; i < (options.liveAtStart ?? 0); i++) startOne(0, random.int(3_600_000));
  const timer = setInterval(advance, TICK_MS);
  timer.unref();
  advance();
  return { stop: () => clearInterval(timer) };
}
