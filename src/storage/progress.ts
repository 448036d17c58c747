import type { Dragonfly } from './dragonfly.ts';
import { Keys } from './keys.ts';

/** Notes come with every diff, hundreds a minute in a large poll; nobody needs to know it more finely than this. */
const NOTE_EVERY_MS = 1_000;

/** When polls were last under way, in Unix milliseconds; 0 for never. */
export interface PollTimes {
  /** A poll began. */
  startedMs: number;
  /** A poll brought something to its end: streams of Twitch compared with the store, or a walk over no targets. */
  progressMs: number;
}

/**
 * Whether polls get anywhere, for all processes together: with several workers, a small poll runs in one of them, and the
 * others have to know too. A poll's start alone proves nothing, since polls also start while Twitch can't be reached.
 */
export class Progress {
  readonly #redis: Dragonfly;
  readonly #keys: Keys;
  readonly #now: () => number;
  #noted = 0;

  constructor(redis: Dragonfly, keys = new Keys(), now: () => number = Date.now) {
    this.#redis = redis;
    this.#keys = keys;
    this.#now = now;
  }

  /** Notes progress, at most once a second. Nothing waits for it, and a note that is lost is made up for by the next. */
  note(): void {
    const now = this.#now();
    // A clock that was set back must not keep notes from being taken until it has caught up.
    if (Math.abs(now - this.#noted) < NOTE_EVERY_MS) return;
    this.#noted = now;
    this.#redis.hset(this.#keys.meta, 'progressAt', now).catch(() => {
      // The activity that made the progress needs the store too, and says what is wrong with it.
      this.#noted = 0;
    });
  }

  /** @throws when the store does not answer */
  async read(): Promise<PollTimes> {
    const [startedAt, progressAt] = await this.#redis.hmget(this.#keys.meta, 'lastPollAt', 'progressAt');
    return { startedMs: Number(startedAt ?? 0), progressMs: Math.max(Number(progressAt ?? 0), this.#noted) };
  }
}
