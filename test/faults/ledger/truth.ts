import type { LiveStream, World } from '../../../sandbox/twitch/index.ts';

/** What is watched. */
export interface Watched {
  users: ReadonlySet<string>;
  games: ReadonlySet<string>;
}

/** A time in which one target showed a stream without interruption. Unix milliseconds. */
export interface Sight {
  /** `user:ID` or `game:ID` */
  target: string;
  fromMs: number;
  /** Infinity as long as it lasts. */
  toMs: number;
}

/** Everything about one stream id as it truly was. */
export interface TrueStream {
  id: string;
  userId: string;
  startedMs: number;
  /** When the API first showed it, through a target or not. */
  shownMs: number;
  sights: Sight[];
  /** What it looked like, in order: a message must show one of these. */
  looks: { login: string; gameId: string; title: string }[];
}

/** Records from a world's events which stream was visible when, and through which targets. */
export class Truth {
  readonly streams = new Map<string, TrueStream>();
  readonly #watched: Watched;

  constructor(world: World, watched: Watched) {
    this.#watched = watched;
    world.on('visible', (stream) => this.#onVisible(stream));
    world.on('gone', (stream) => this.#onGone(stream));
    world.on('changed', (stream) => {
      this.#note(stream);
      this.#see(stream);
    });
  }

  /** Streams that a target has shown so far. */
  get goLives(): number {
    return [...this.streams.values()].filter(({ sights }) => sights.length > 0).length;
  }

  #note(live: LiveStream): TrueStream {
    const known = this.streams.get(live.id);
    const stream = known ?? {
      id: live.id,
      userId: live.userId,
      startedMs: Date.parse(live.startedAt),
      shownMs: Date.now(),
      sights: [],
      looks: [],
    };
    if (!known) this.streams.set(live.id, stream);
    stream.looks.push({ login: live.userLogin, gameId: live.gameId, title: live.title });
    return stream;
  }

  #onVisible(live: LiveStream): void {
    this.#note(live);
    this.#see(live);
  }

  #onGone(live: LiveStream): void {
    this.#close(live.id, () => true);
  }

  /** Opens the sights that a stream has now and has not had, and closes those that it has no more. */
  #see(live: LiveStream): void {
    const targets = new Set<string>();
    if (this.#watched.users.has(live.userId)) targets.add(`user:${live.userId}`);
    if (this.#watched.games.has(live.gameId)) targets.add(`game:${live.gameId}`);
    this.#close(live.id, ({ target }) => !targets.has(target));
    const sights = this.streams.get(live.id)?.sights ?? [];
    const open = new Set(sights.filter(({ toMs }) => toMs === Number.POSITIVE_INFINITY).map(({ target }) => target));
    for (const target of targets) {
      if (!open.has(target)) sights.push({ target, fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY });
    }
  }

  #close(id: string, which: (sight: Sight) => boolean): void {
    for (const sight of this.streams.get(id)?.sights ?? []) {
      if (sight.toMs === Number.POSITIVE_INFINITY && which(sight)) sight.toMs = Date.now();
    }
  }
}
