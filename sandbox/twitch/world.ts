import { EventEmitter } from 'node:events';
import { Directory, type Entry } from './directory.ts';
import type { GoLive, LiveStream, StreamChange } from './liveStream.ts';
import { CATEGORIES, inventChannelName, inventLanguage, inventTags, inventTitle, inventViewers } from './names.ts';
import type { Random } from './random.ts';
import { type Simulation, type SimulationOptions, simulateLife } from './simulate.ts';

interface WorldEvents {
  /** The API shows this stream from now on; a flap that is over shows the same stream id again. */
  visible: [stream: LiveStream];
  /** The API no longer shows it: ended, replaced by a new stream of the user, or flapping. */
  gone: [stream: LiveStream];
  changed: [stream: LiveStream, before: LiveStream];
}

const FIRST_STREAM_ID = 40_000_000_000;

/** The truth about who is live. Emits `visible`, `gone` and `changed` at the moment the API's answers change. */
export class World extends EventEmitter<WorldEvents> {
  readonly users = new Directory(100_000_000, 'user_');
  readonly games = new Directory(2_000_000_000, 'Game ');
  readonly igdbIds = new Map<string, string>();
  /**
   * How far viewer counts move between two requests, as a share of the count: 0 (default) keeps the order of streams
   * still, 0.2 makes pages overlap and miss streams as Twitch's do.
   */
  viewerDrift = 0;
  /** Counts changes: the same number means the same answers. */
  version = 0;
  readonly #random: Random;
  readonly #live = new Map<string, LiveStream>();
  readonly #byGame = new Map<string, Map<string, LiveStream>>();
  readonly #flapping = new Map<string, { stream: LiveStream; timer: NodeJS.Timeout }>();
  readonly #simulations = new Set<Simulation>();
  #streams = 0;

  constructor(random: Random) {
    super();
    this.#random = random;
    for (const [id, name, igdbId] of CATEGORIES) this.addGame({ id, name, igdbId });
  }

  /** Sets the number of computed users (`user_0` …, ids from 100000000) and games (`Game 0` …, ids from 2000000000). */
  populate({ users, games }: { users?: number; games?: number }): void {
    if (users !== undefined) this.users.populate(users);
    if (games !== undefined) this.games.populate(games);
  }

  /** Ids of computed users, in order, from the index `from`. */
  userIds(count?: number, from = 0): string[] {
    return this.users.ids(from, count);
  }

  /** Ids of computed games, in order, from the index `from`. */
  gameIds(count?: number, from = 0): string[] {
    return this.games.ids(from, count);
  }

  /** `login` may hold capitals: it is shown as given in `user_name`, in lower case in `user_login`. */
  addUser({ id, login }: { id: string; login: string }): Entry {
    return this.users.set(id, login);
  }

  addGame({ id, name, igdbId }: { id: string; name: string; igdbId?: string }): Entry {
    if (igdbId) this.igdbIds.set(igdbId, id);
    return this.games.set(id, name);
  }

  /** Adds users with invented names such as `PixelOtter42`, and returns their ids. */
  addChannels(count: number): string[] {
    return Array.from({ length: count }, () => {
      let login = inventChannelName(this.#random);
      while (this.users.find(login)) login = inventChannelName(this.#random);
      return this.addUser({ id: String(700_000_000 + this.users.stored().length), login }).id;
    });
  }

  /** Starts a stream; one that the user already has on air ends first. */
  goLive(start: GoLive): LiveStream {
    const { userId, gameId = '' } = start;
    this.end(userId);
    const user = this.users.get(userId) ?? this.addUser({ id: userId, login: `channel_${userId}` });
    const gameName = this.games.get(gameId)?.name ?? '';
    const language = start.language ?? inventLanguage(this.#random);
    const stream: LiveStream = {
      id: start.streamId ?? String(FIRST_STREAM_ID + this.#streams++ * 97),
      userId,
      userLogin: user.name.toLowerCase(),
      userName: user.name,
      gameId,
      gameName,
      title: start.title ?? inventTitle(this.#random, gameName),
      startedAt: new Date(start.startedAt ?? Date.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      viewers: start.viewers ?? inventViewers(this.#random),
      language,
      tags: inventTags(this.#random, language),
    };
    this.#show(stream);
    return stream;
  }

  /** Ends the user's stream, also one that is hidden by a flap, and returns it. */
  end(userId: string): LiveStream | undefined {
    const flapping = this.#flapping.get(userId);
    if (flapping) {
      clearTimeout(flapping.timer);
      this.#flapping.delete(userId);
      return flapping.stream;
    }
    const stream = this.#live.get(userId);
    if (stream) this.#hide(stream);
    return stream;
  }

  /** Renames the user, and changes the stream that the user has on air, if any. */
  change(userId: string, { title, gameId, login, viewers }: StreamChange): LiveStream | undefined {
    if (login !== undefined) this.addUser({ id: userId, login });
    const before = this.#live.get(userId) ?? this.#flapping.get(userId)?.stream;
    if (!before) return undefined;
    const after: LiveStream = {
      ...before,
      ...(title !== undefined && { title }),
      ...(viewers !== undefined && { viewers }),
      ...(gameId !== undefined && { gameId, gameName: this.games.get(gameId)?.name ?? '' }),
      ...(login !== undefined && { userName: login, userLogin: login.toLowerCase() }),
    };
    const flapping = this.#flapping.get(userId);
    if (flapping) {
      flapping.stream = after;
      return after;
    }
    this.#unindex(before);
    this.#index(after);
    this.emit('changed', after, before);
    return after;
  }

  /** Hides the user's stream for `ms` milliseconds; then the same stream id is back, as Twitch's cache does it. */
  flap(userId: string, ms: number): LiveStream | undefined {
    const stream = this.#live.get(userId);
    if (!stream) return undefined;
    this.#hide(stream);
    const timer = setTimeout(() => {
      const hidden = this.#flapping.get(userId);
      this.#flapping.delete(userId);
      if (hidden) this.#show(hidden.stream);
    }, ms);
    timer.unref();
    this.#flapping.set(userId, { stream, timer });
    return stream;
  }

  /** Every visible stream. */
  live(): LiveStream[] {
    return [...this.#live.values()];
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** The user's stream, unless it is hidden by a flap. */
  streamOf(userId: string): LiveStream | undefined {
    return this.#live.get(userId);
  }

  /** Visible streams in a game. */
  liveIn(gameId: string): Iterable<LiveStream> {
    return this.#byGame.get(gameId)?.values() ?? [];
  }

  /** Lets users go live, change and end at random, from the seed, until stopped. */
  simulate(options: SimulationOptions): Simulation {
    const simulation = simulateLife(this, this.#random.fork(`simulation ${this.#simulations.size}`), options);
    this.#simulations.add(simulation);
    return simulation;
  }

  /** Stops the timers: simulations and flaps. */
  close(): void {
    for (const simulation of this.#simulations) simulation.stop();
    for (const { timer } of this.#flapping.values()) clearTimeout(timer);
  }

  #show(stream: LiveStream): void {
    this.#index(stream);
    this.emit('visible', stream);
  }

  #hide(stream: LiveStream): void {
    this.#unindex(stream);
    this.emit('gone', stream);
  }

  #index(stream: LiveStream): void {
    this.version++;
    this.#live.set(stream.userId, stream);
    const inGame = this.#byGame.get(stream.gameId);
    if (inGame) inGame.set(stream.userId, stream);
    else this.#byGame.set(stream.gameId, new Map([[stream.userId, stream]]));
  }

  #unindex(stream: LiveStream): void {
    this.version++;
    this.#live.delete(stream.userId);
    const inGame = this.#byGame.get(stream.gameId);
    inGame?.delete(stream.userId);
    if (inGame?.size === 0) this.#byGame.delete(stream.gameId);
  }
}
