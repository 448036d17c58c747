import type { LiveStream, World } from '../../../sandbox/twitch/index.ts';
import { asAnnounced } from './looks.ts';

/** What is watched. */
export interface Watched {
  users: ReadonlySet<string>;
  games: ReadonlySet<string>;
}

/** A target: `user:ID` or `game:ID`. */
export type TargetName = `${'user' | 'game'}:${string}`;

/** A time in which one target showed a stream without interruption. Unix milliseconds. */
export interface Sight {
  target: TargetName;
  fromMs: number;
  /** Infinity as long as it lasts. */
  toMs: number;
}

/**
 * A time in which nothing is certain of some targets: Twitch refused them and the service may not have asked for them
 * again yet, or they were being removed and added again. Unix milliseconds.
 */
export interface Doubt {
  targets: ReadonlySet<TargetName>;
  /** They were removed: at its end they are new. */
  removed: boolean;
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
  /** What it looked like, in order, as a message has to show it: one of these. */
  looks: { login: string; gameId: string; title: string }[];
}

/** Records from a world's events which stream was visible when, and through which targets. */
export class Truth {
  readonly streams = new Map<string, TrueStream>();
  readonly doubts: Doubt[] = [];
  readonly #visible = new Map<string, LiveStream>();
  readonly #watched: Set<TargetName>;

  constructor(world: World, { users, games }: Watched) {
    this.#watched = new Set([...users].map((id): TargetName => `user:${id}`));
    for (const id of games) this.#watched.add(`game:${id}`);
    world.on('visible', (stream) => this.#onVisible(stream));
    world.on('gone', (stream) => this.#onGone(stream));
    world.on('changed', (stream) => {
      this.#visible.set(stream.id, stream);
      this.#note(stream);
      this.#see(stream);
    });
  }

  /** Streams that a target has shown so far. */
  get goLives(): number {
    return [...this.streams.values()].filter(({ sights }) => sights.length > 0).length;
  }

  /** From now on nothing is certain of these targets, until the returned function is called. */
  doubt(targets: Iterable<TargetName>, { removed = false } = {}): () => void {
    const doubt: Doubt = { targets: new Set(targets), removed, fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY };
    this.doubts.push(doubt);
    return () => {
      doubt.toMs = Date.now();
    };
  }

  /** Targets that are no longer watched from now on, or again. */
  watch(targets: Iterable<TargetName>, on: boolean): void {
    for (const target of targets) {
      if (on) this.#watched.add(target);
      else this.#watched.delete(target);
    }
    for (const stream of this.#visible.values()) this.#see(stream);
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
    stream.looks.push({
      login: asAnnounced.login(live.userLogin),
      gameId: live.gameId,
      title: asAnnounced.title(live.title),
    });
    return stream;
  }

  #onVisible(live: LiveStream): void {
    this.#visible.set(live.id, live);
    this.#note(live);
    this.#see(live);
  }

  #onGone(live: LiveStream): void {
    this.#visible.delete(live.id);
    this.#close(live.id, () => true);
  }

  /** Opens the sights that a stream has now and has not had, and closes those that it has no more. */
  #see(live: LiveStream): void {
    const shown: TargetName[] = [`user:${live.userId}`, `game:${live.gameId}`];
    const targets = new Set(shown.filter((target) => this.#watched.has(target)));
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
