import { MOST_LABELS, type TargetKind } from '../poll/model.ts';
import { StorePart } from './part.ts';

/** In UTF-16 units. */
const LABEL_LENGTH = 128;

/**
 * Labels of targets: texts of those who added them (a customer, a channel, a role), which travel with the events of the
 * target. A hash for each kind of target, id → JSON list; targets without labels have no entry.
 */
export class Labels extends StorePart {
  /** Gives each of the targets these labels in place of those that it had; none takes them away. */
  async set(kind: TargetKind, ids: readonly string[], labels: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    if (labels.length === 0) return this.forget(kind, ids);
    const text = JSON.stringify(labels);
    await this.connection.hset(this.keys.labels(kind), ...ids.flatMap((id) => [id, text]));
  }

  async forget(kind: TargetKind, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.connection.hdel(this.keys.labels(kind), ...ids);
  }

  /** The labels of those of the ids that have some. */
  async of(kind: TargetKind, ids: readonly string[]): Promise<Map<string, string[]>> {
    if (ids.length === 0) return new Map();
    const texts = await this.connection.hmget(this.keys.labels(kind), ...ids);
    return new Map(ids.flatMap((id, i) => (texts[i] ? [[id, read(texts[i])] as const] : [])));
  }

  /** The labels of streams, of each those of its user and of its game together, without repeats. */
  async ofStreams(streams: readonly { userId: string; gameId: string }[]): Promise<string[][]> {
    const [users, games] = await Promise.all([
      this.of('user', [...new Set(streams.map(({ userId }) => userId))]),
      this.of('game', [...new Set(streams.map(({ gameId }) => gameId))]),
    ]);
    return streams.map(({ userId, gameId }) => [
      ...new Set([...(users.get(userId) ?? []), ...(games.get(gameId) ?? [])]),
    ]);
  }
}

/** What is no list of labels is none: an event must not wait for it. */
function read(text: string): string[] {
  try {
    const labels: unknown = JSON.parse(text);
    return Array.isArray(labels)
      ? labels.slice(0, MOST_LABELS).map((label) => String(label).slice(0, LABEL_LENGTH))
      : [];
  } catch {
    return [];
  }
}
