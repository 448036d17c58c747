import type { TargetKind } from '../poll/model.ts';
import type { StoreConnection } from './dragonfly.ts';
import { Gone } from './gone.ts';
import type { Keys } from './keys.ts';
import { Labels } from './labels.ts';
import { StorePart } from './part.ts';
import { Refused } from './refused.ts';

/** Ids in one script call, which holds up every other command meanwhile: about five milliseconds. */
const IDS_PER_CALL = 1_000;

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** A user that was just added is hot for a day: whether it is dormant is not known yet. */
const NEW_IS_HOT_MS = 24 * 3_600_000;

/**
 * Who adds and removes targets: people by the client, or the settings by naming them. What the settings name has a state,
 * so that neither undoes what the other did: `settings` (from them alone), `both`, `removed` (by the client, for as long as
 * they name it), `adding` (an attempt to add it came to no end).
 */
export type TargetSource = 'client' | 'settings';

/**
 * The targets to watch: user ids and game ids, each with the time of its addition. Users are **hot** or **dormant**: hot
 * are those that were just added, or live lately (the diff says so).
 */
export class Targets extends StorePart {
  readonly refused: Refused;
  readonly gone: Gone;
  readonly labels: Labels;

  constructor(connection: StoreConnection, keys: Keys) {
    super(connection, keys);
    this.refused = new Refused(connection, keys);
    this.gone = new Gone(connection, keys);
    this.labels = new Labels(connection, keys);
  }

  /**
   * Adds targets; those that are there already keep their time of addition.
   *
   * @param addedMs Unix milliseconds; streams that started earlier are a first sight (see `FIRST_SIGHT`). Default: now, by
   *   the store's clock
   * @param hotUntilMs until when users among them are hot, in Unix milliseconds; 0: they are dormant from the start.
   *   Default: a day from now, by the store's clock
   * @param by the client also brings back what it removed; the settings do not
   * @returns how many were new
   */
  async add(
    kind: TargetKind,
    ids: readonly string[],
    addedMs?: number,
    hotUntilMs?: number,
    by: TargetSource = 'client',
  ): Promise<number> {
    const { hot, hotUntil } = this.keys;
    const keys = [this.keys.targets(kind), this.keys.added(kind), hot, hotUntil, this.keys.named(kind)];
    let added = 0;
    for (const some of chunks(ids, IDS_PER_CALL)) {
      // Whoever adds a refused target again wants it to be tried again.
      if (by === 'client') await this.refused.forget(kind, some);
      const nowMs = await this.nowMs();
      const until = kind === 'user' ? (hotUntilMs ?? nowMs + NEW_IS_HOT_MS) : 0;
      added += await this.connection.addTargets(...keys, addedMs ?? nowMs, until, by, ...some);
    }
    return added;
  }

  /**
   * Removes targets, and from the live set the streams that only they showed.
   *
   * @param by the client removes them wherever they come from; the settings, which name them no longer, leave those that
   *   the client added too
   * @returns how many there were
   */
  async remove(kind: TargetKind, ids: readonly string[], by: TargetSource = 'client'): Promise<number> {
    const keys = this.keys;
    let removed = 0;
    for (const some of chunks(ids, IDS_PER_CALL)) {
      removed += await this.connection.removeTargets(
        keys.targets(kind),
        keys.added(kind),
        keys.live,
        keys.liveByGame,
        keys.targets('game'),
        keys.hot,
        keys.hotUntil,
        keys.named(kind),
        kind,
        by,
        ...some,
      );
      await this.refused.forget(kind, some);
      await this.labels.forget(kind, some);
      if (kind === 'user') await this.gone.forget(some);
    }
    return removed;
  }

  /** Ids that the settings name, or named until lately, with the state of each: see {@link TargetSource}. */
  async named(kind: TargetKind): Promise<Map<string, string>> {
    return new Map(Object.entries(await this.connection.hgetall(this.keys.named(kind))));
  }

  /** Up to `limit` ids that sort (bytewise) behind `after`; fewer only at the end. */
  async list(kind: TargetKind, after: string | undefined, limit: number): Promise<string[]> {
    return this.#range(this.keys.targets(kind), after, limit);
  }

  /** As `list`, of the hot users. */
  async listHot(after: string | undefined, limit: number): Promise<string[]> {
    return this.#range(this.keys.hot, after, limit);
  }

  /** Those of the users that are hot. */
  async hotAmong(ids: readonly string[]): Promise<Set<string>> {
    return this.#members(this.keys.hot, ids);
  }

  /** Those of the ids that are targets. */
  async among(kind: TargetKind, ids: readonly string[]): Promise<Set<string>> {
    return this.#members(this.keys.targets(kind), ids);
  }

  /** Makes users dormant whose time is over. */
  async cool(nowMs: number): Promise<void> {
    const { hot, hotUntil } = this.keys;
    while ((await this.connection.coolTargets(hot, hotUntil, nowMs, IDS_PER_CALL)) === IDS_PER_CALL);
  }

  /** When each of the ids was added (Unix ms, `undefined` if that is not known), for those that are targets. */
  async addedMs(kind: TargetKind, ids: readonly string[]): Promise<Map<string, number | undefined>> {
    const found = new Map<string, number | undefined>();
    for (const some of chunks(ids, IDS_PER_CALL)) {
      const [scores, added] = await Promise.all([
        this.connection.zmscore(this.keys.targets(kind), ...some),
        this.connection.hmget(this.keys.added(kind), ...some),
      ]);
      for (const [i, id] of some.entries()) {
        if (scores[i] !== null) found.set(id, Number(added[i]) || undefined);
      }
    }
    return found;
  }

  async count(kind: TargetKind): Promise<number> {
    return this.connection.zcard(this.keys.targets(kind));
  }

  /** How many users there are behind `after`, up to and with `id`; past the end it goes on at the beginning. */
  async usersUntil(id: string, after: string | undefined): Promise<number> {
    const users = this.keys.targets('user');
    const from = after === undefined ? '-' : `(${after}`;
    if (after === undefined || id > after) return this.connection.zlexcount(users, from, `[${id}`);
    const [rest, anew] = await Promise.all([
      this.connection.zlexcount(users, from, '+'),
      this.connection.zlexcount(users, '-', `[${id}`),
    ]);
    return rest + anew;
  }

  async countHot(): Promise<number> {
    return this.connection.zcard(this.keys.hot);
  }

  async #members(key: string, ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (const some of chunks(ids, IDS_PER_CALL)) {
      const scores = await this.connection.zmscore(key, ...some);
      for (const [i, id] of some.entries()) if (scores[i] !== null) found.add(id);
    }
    return found;
  }

  async #range(key: string, after: string | undefined, limit: number): Promise<string[]> {
    const from = after === undefined ? '-' : `(${after}`;
    return this.connection.zrangebylex(key, from, '+', 'LIMIT', 0, limit);
  }
}
