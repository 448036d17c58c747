import type { GoLive, LiveStream, World } from '../../sandbox/twitch/index.ts';
import type { Random } from '../../sandbox/twitch/random.ts';
import { type Cast, visitors } from './cast.ts';

export interface LifeOptions {
  world: World;
  cast: Cast;
  random: Random;
  goLivesPerSecond: number;
  meanSecondsOnAir: number;
}

const TICK_MS = 50;
/** For each go-live so many other things happen: changes of title, game or login, flaps, a second stream in a row. */
const CHANGES = 0.3;
const FLAPS = 0.15;
const SECONDS = 0.12;
/** Streams that may be over before a poll comes by, and how long they are. */
const SHORT_SHARE = 0.12;
const SHORT_MS = [1_500, 5_000] as const;
/** How long before they show up streams have started: inside and outside of what is announced again after a loss. */
const AGES = [
  { share: 0.1, ageMs: 5 * 60_000 },
  { share: 0.1, ageMs: 40 * 60_000 },
];

/**
 * The script of life: who goes live, changes, flaps and ends. What happens, and in which order, follows from the seed
 * alone: ticks only decide when those that are due happen.
 */
export class Life {
  readonly #options: LifeOptions;
  readonly #provoked: Random;
  readonly #ends: { atMs: number; userId: string; streamId: string }[] = [];
  readonly #steady = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #elapsedMs = 0;
  #nextMs = 0;
  #lastTickMs = 0;
  #renamed = 0;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#provoked = options.random.fork('provoked');
  }

  start(): void {
    this.#lastTickMs = Date.now();
    this.#timer = setInterval(() => this.#advance(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A stream of a watched user starts now, for a fault that needs a message on its way. */
  startOne(given: Partial<GoLive> = {}): LiveStream {
    return this.#goLive(this.#provoked, this.#options.cast.byUser, 'elsewhere', given);
  }

  /** A stream starts that only a watched game shows. */
  startInGame(given: Partial<GoLive> = {}): LiveStream {
    return this.#goLive(this.#provoked, visitors(this.#options.cast), 'watched', given);
  }

  /**
   * A stream that starts now and stays as it is until the caller ends it, for a fault that waits for its message: nothing
   * of the script, such as an early end, an old start or another game, may be the reason why it does not come.
   */
  startSteady(users: readonly string[], given: Omit<GoLive, 'userId'>): LiveStream {
    const free = users.filter((userId) => !this.#isOnAir(userId));
    const userId = free[this.#provoked.int(free.length)] as string;
    this.#steady.add(userId);
    return this.#options.world.goLive({ ...given, userId, startedAt: new Date() });
  }

  /** Ends a stream of `startSteady`. */
  endSteady({ userId }: LiveStream): void {
    this.#steady.delete(userId);
    this.#options.world.end(userId);
  }

  #advance(): void {
    const now = Date.now();
    this.#elapsedMs += now - this.#lastTickMs;
    this.#lastTickMs = now;
    const { random, goLivesPerSecond } = this.#options;
    const rate = goLivesPerSecond * (1 + CHANGES + FLAPS + SECONDS);
    for (;;) {
      const end = this.#ends[0];
      if (Math.min(end?.atMs ?? Number.POSITIVE_INFINITY, this.#nextMs) > this.#elapsedMs) return;
      if (end && end.atMs <= this.#nextMs) {
        this.#ends.shift();
        this.#end(end);
      } else {
        this.#happen(random);
        this.#nextMs += random.exponential(1_000 / rate);
      }
    }
  }

  #happen(random: Random): void {
    const { world, cast } = this.#options;
    const draw = random.next() * (1 + CHANGES + FLAPS + SECONDS);
    if (draw < 1) {
      const group = random.next();
      if (group < 0.4) this.#goLive(random, cast.byUser, 'elsewhere');
      else if (group < 0.6) this.#goLive(random, cast.byBoth, 'watched');
      else if (group < 0.85) this.#goLive(random, visitors(cast), 'watched');
      else this.#goLive(random, cast.wanderers, 'elsewhere');
      return;
    }
    const userId = this.#anyOnAir(random);
    if (userId === undefined) return;
    if (draw < 1 + CHANGES) this.#change(random, userId);
    else if (draw < 1 + CHANGES + FLAPS) world.flap(userId, 500 + random.int(5_500));
    else this.#again(random, userId);
  }

  #goLive(
    random: Random,
    users: readonly string[],
    where: 'elsewhere' | 'watched',
    given: Partial<GoLive> = {},
  ): LiveStream {
    const { world, cast, meanSecondsOnAir } = this.#options;
    let userId = users[random.int(users.length)] as string;
    for (let tries = 0; tries < 50 && this.#isOnAir(userId); tries++) {
      userId = users[random.int(users.length)] as string;
    }
    const gameId = random.pick(where === 'watched' ? cast.games : cast.otherGames);
    const stream = world.goLive({ userId, gameId, startedAt: new Date(Date.now() - this.#age(random)), ...given });
    const short = random.next() < SHORT_SHARE;
    const lengthMs = short
      ? SHORT_MS[0] + random.int(SHORT_MS[1] - SHORT_MS[0])
      : 6_000 + random.exponential((meanSecondsOnAir - 6) * 1_000);
    this.#ends.push({ atMs: this.#elapsedMs + lengthMs, userId: stream.userId, streamId: stream.id });
    this.#ends.sort((a, b) => a.atMs - b.atMs);
    return stream;
  }

  #age(random: Random): number {
    let draw = random.next();
    for (const { share, ageMs } of AGES) {
      if (draw < share) return ageMs;
      draw -= share;
    }
    return 0;
  }

  #change(random: Random, userId: string): void {
    const { world, cast } = this.#options;
    const draw = random.next();
    if (draw < 0.4) world.change(userId, { title: `another title ${random.int(1_000_000)}` });
    // Into a watched game in the middle of the broadcast, out of it, or from one to another.
    else if (draw < 0.85) world.change(userId, { gameId: random.pick([...cast.games, ...cast.otherGames]) });
    else world.change(userId, { login: `renamed_${this.#renamed++}` });
  }

  /** Ends the user's stream and starts another at once. */
  #again(random: Random, userId: string): void {
    const watched = this.#options.cast.byUser.includes(userId) ? 'elsewhere' : 'watched';
    this.#goLive(random, [userId], watched);
  }

  #anyOnAir(random: Random): string | undefined {
    return this.#ends[random.int(this.#ends.length)]?.userId;
  }

  #isOnAir(userId: string): boolean {
    return this.#steady.has(userId) || this.#ends.some((end) => end.userId === userId);
  }

  /** Of two streams of a user in a row the first has ended when the second came. */
  #end({ userId, streamId }: { userId: string; streamId: string }): void {
    const { world } = this.#options;
    const current = world.streamOf(userId);
    if (!current || current.id === streamId) world.end(userId);
  }
}
