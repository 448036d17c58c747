import { type Backoff, backoffMs } from '../lib/backoff.ts';
import type { TargetKind } from '../poll/model.ts';
import { StorePart } from './part.ts';

/** A target that Twitch refuses to be asked for: it is left out of polls until `retryAtMs`. */
export interface RefusedTarget {
  id: string;
  /** What Twitch said. */
  reason: string;
  /** Unix milliseconds. */
  sinceMs: number;
  retryAtMs: number;
  tries: number;
}

const RETRY: Backoff = { firstMs: 10 * 60_000, mostMs: 24 * 3_600_000 };
const REASON_LENGTH = 200;
/** Refused targets of one kind that are remembered. More than that are found again in each poll, as far as it may look. */
const MOST = 10_000;
/** Refused targets that one read of targets tries again, each in a request of its own. */
const TRIED_AT_ONCE = 20;

/** The targets that Twitch refuses (HTTP 400 for any request that holds them), with the reason and the next try. */
export class Refused extends StorePart {
  /**
   * Notes what a poll has found out. The time to the next try doubles from ten minutes to a day. Safe to run twice.
   *
   * @param accepted targets that were refused before and are not now
   */
  async note(
    kind: TargetKind,
    refused: readonly { id: string; reason: string }[],
    accepted: readonly string[],
    nowMs: number,
  ): Promise<void> {
    await this.forget(kind, accepted);
    if (refused.length === 0) return;
    const ids = refused.map(({ id }) => id);
    const [scores, earlier, size] = await Promise.all([
      this.connection.zmscore(this.keys.targets(kind), ...ids),
      this.connection.hmget(this.keys.refused(kind), ...ids),
      this.count(kind),
    ]);
    let room = MOST - size;
    const fields: string[] = [];
    for (const [i, { id, reason }] of refused.entries()) {
      const known = read(id, earlier[i] ?? null);
      // Removed meanwhile, noted by an attempt before this one, or one too many.
      if (scores[i] === null || (known && known.retryAtMs > nowMs) || (!known && room-- <= 0)) continue;
      const tries = (known?.tries ?? 0) + 1;
      const retryAtMs = nowMs + backoffMs(tries, RETRY);
      const sinceMs = known?.sinceMs ?? nowMs;
      fields.push(id, JSON.stringify({ reason: reason.slice(0, REASON_LENGTH), sinceMs, retryAtMs, tries }));
    }
    if (fields.length > 0) await this.connection.hset(this.keys.refused(kind), ...fields);
  }

  /** Targets that were removed, or are to be tried again at once. */
  async forget(kind: TargetKind, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.connection.hdel(this.keys.refused(kind), ...ids);
  }

  /** Tells the targets that are to be polled from the refused ones; of those, the ones to be tried again now. */
  async sift(
    kind: TargetKind,
    ids: readonly string[],
    nowMs: number,
  ): Promise<{ polled: string[]; triedAgain: string[] }> {
    if (ids.length === 0 || (await this.count(kind)) === 0) return { polled: [...ids], triedAgain: [] };
    const texts = await this.connection.hmget(this.keys.refused(kind), ...ids);
    const polled: string[] = [];
    const triedAgain: string[] = [];
    for (const [i, id] of ids.entries()) {
      const known = read(id, texts[i] ?? null);
      if (!known) polled.push(id);
      else if (known.retryAtMs <= nowMs && triedAgain.length < TRIED_AT_ONCE) triedAgain.push(id);
    }
    return { polled, triedAgain };
  }

  /** Those of the ids that are refused. */
  async among(kind: TargetKind, ids: readonly string[]): Promise<Map<string, RefusedTarget>> {
    if (ids.length === 0) return new Map();
    const texts = await this.connection.hmget(this.keys.refused(kind), ...ids);
    return new Map(ids.flatMap((id, i) => read(id, texts[i] ?? null) ?? []).map((target) => [target.id, target]));
  }

  async count(kind: TargetKind): Promise<number> {
    return this.connection.hlen(this.keys.refused(kind));
  }

  /** Their ids, in no order. */
  async ids(kind: TargetKind): Promise<string[]> {
    return this.connection.hkeys(this.keys.refused(kind));
  }

  /** All of them, the first refused first. */
  async list(kind: TargetKind): Promise<RefusedTarget[]> {
    const all = Object.entries(await this.connection.hgetall(this.keys.refused(kind)));
    return all.flatMap(([id, text]) => read(id, text) ?? []).sort((a, b) => a.sinceMs - b.sinceMs);
  }
}

function read(id: string, text: string | null): RefusedTarget | undefined {
  return text === null ? undefined : { id, ...(JSON.parse(text) as Omit<RefusedTarget, 'id'>) };
}
