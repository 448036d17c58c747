import type { TargetKind } from '../model.ts';
import type { Dragonfly } from './dragonfly.ts';
import { Keys } from './keys.ts';

/** Ids in one script call: well below Dragonfly's 2^16 arguments, and short enough not to hold up other commands. */
const IDS_PER_CALL = 5_000;

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** The targets to watch: user ids and game ids, each with the time of its addition. */
export class Targets {
  readonly #redis: Dragonfly;
  readonly #keys: Keys;

  constructor(redis: Dragonfly, keys = new Keys()) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /**
   * Adds targets; those that are there already keep their time of addition.
   *
   * @param addedMs Unix milliseconds; streams that started earlier are a first sight (see `FIRST_SIGHT`)
   * @returns how many were new
   */
  async add(kind: TargetKind, ids: readonly string[], addedMs: number): Promise<number> {
    let added = 0;
    for (const some of chunks(ids, IDS_PER_CALL)) {
      added += await this.#redis.addTargets(this.#keys.targets(kind), this.#keys.added(kind), addedMs, ...some);
    }
    return added;
  }

  /** Removes targets, and from the live set the streams that only they showed. Returns how many there were. */
  async remove(kind: TargetKind, ids: readonly string[]): Promise<number> {
    const keys = this.#keys;
    let removed = 0;
    for (const some of chunks(ids, IDS_PER_CALL)) {
      removed += await this.#redis.removeTargets(
        keys.targets(kind),
        keys.added(kind),
        keys.live,
        keys.liveByGame,
        keys.targets('game'),
        kind,
        ...some,
      );
    }
    return removed;
  }

  /** Up to `limit` ids that sort (bytewise) behind `after`; fewer only at the end. */
  async list(kind: TargetKind, after: string | undefined, limit: number): Promise<string[]> {
    const from = after === undefined ? '-' : `(${after}`;
    return this.#redis.zrangebylex(this.#keys.targets(kind), from, '+', 'LIMIT', 0, limit);
  }

  async count(kind: TargetKind): Promise<number> {
    return this.#redis.zcard(this.#keys.targets(kind));
  }
}
