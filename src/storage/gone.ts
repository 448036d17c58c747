import { StorePart } from './part.ts';

/** A user target that Twitch's list of users does not show. */
export interface AbsentUser {
  id: string;
  /** When it was first absent (Unix milliseconds); each check since has found it so. */
  sinceMs: number;
  /** Checks that found it absent, an hour apart at least. */
  checks: number;
}

/** A user is gone when so many checks in a row have not found it: one answer may be wrong. */
const CHECKS_IF_GONE = 2;
const APART_MS = 3_600_000;
/** Absent users that are remembered. */
const MOST = 10_000;

/** User targets that Twitch no longer knows: banned, deleted, or never there. Only reported, never removed by themselves. */
export class Gone extends StorePart {
  /** Notes an answer of Twitch: which of the ids it asked for were found. Safe to run twice. */
  async note(asked: readonly string[], found: ReadonlySet<string>, nowMs: number): Promise<void> {
    await this.forget(asked.filter((id) => found.has(id)));
    const absent = asked.filter((id) => !found.has(id));
    if (absent.length === 0) return;
    const [texts, scores, size] = await Promise.all([
      this.connection.hmget(this.keys.gone, ...absent),
      this.connection.zmscore(this.keys.targets('user'), ...absent),
      this.connection.hlen(this.keys.gone),
    ]);
    let room = MOST - size;
    const fields: string[] = [];
    for (const [i, id] of absent.entries()) {
      const known = JSON.parse(texts[i] ?? 'null') as { sinceMs: number; checks: number; lastMs: number } | null;
      if (scores[i] === null || (known && nowMs - known.lastMs < APART_MS) || (!known && room-- <= 0)) continue;
      const entry = { sinceMs: known?.sinceMs ?? nowMs, checks: (known?.checks ?? 0) + 1, lastMs: nowMs };
      fields.push(id, JSON.stringify(entry));
    }
    if (fields.length > 0) await this.connection.hset(this.keys.gone, ...fields);
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.connection.hdel(this.keys.gone, ...ids);
  }

  /** The users that are gone, the first that went first. */
  async list(): Promise<AbsentUser[]> {
    if ((await this.connection.hlen(this.keys.gone)) === 0) return [];
    return Object.entries(await this.connection.hgetall(this.keys.gone))
      .flatMap(([id, text]) => readGone(id, text))
      .sort((a, b) => a.sinceMs - b.sinceMs);
  }

  /** Those of the users that are gone. */
  async among(ids: readonly string[]): Promise<Map<string, AbsentUser>> {
    if (ids.length === 0) return new Map();
    const texts = await this.connection.hmget(this.keys.gone, ...ids);
    return new Map(ids.flatMap((id, i) => readGone(id, texts[i] ?? null)).map((user) => [user.id, user]));
  }

  /** When users were last checked (Unix ms, 0: never). */
  async checkedMs(): Promise<number> {
    return Number((await this.connection.hget(this.keys.meta, 'usersCheckedAt')) ?? 0);
  }

  async noteCheckedMs(atMs: number): Promise<void> {
    await this.connection.hset(this.keys.meta, 'usersCheckedAt', atMs);
  }

  /** The last user that was checked; absent at the beginning of a round. */
  async position(): Promise<string | undefined> {
    return (await this.connection.hget(this.keys.meta, 'usersCheckedTo')) || undefined;
  }

  async notePosition(id: string | undefined): Promise<void> {
    await this.connection.hset(this.keys.meta, 'usersCheckedTo', id ?? '');
  }
}

function readGone(id: string, text: string | null): AbsentUser[] {
  if (text === null) return [];
  const { sinceMs, checks } = JSON.parse(text) as Omit<AbsentUser, 'id'>;
  return checks >= CHECKS_IF_GONE ? [{ id, sinceMs, checks }] : [];
}
