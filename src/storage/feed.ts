import type { StreamEvent } from '../poll/model.ts';
import { StorePart } from './part.ts';

/** How far an event has come: claimed by a poll, waiting for a broker that is away, announced. */
export type EventState = 'claimed' | 'waiting' | 'announced';

/** What became of an event. */
export interface Announcement extends Omit<StreamEvent, 'id'> {
  /** Where it stands in the feed: later entries have greater ones (`<ms>-<n>`). */
  place: string;
  state: EventState;
  /** RFC 3339: when it was so, by the store's clock. */
  at: string;
  streamId: string;
}

/** Entries that are kept, about. Two for most events. */
const KEPT = 5_000;
const FIELD = 'entry';
/** Of one read, when all have to be looked through. */
const ENTRIES_PER_READ = 1_000;

/**
 * What has become of the latest events, for people to look at: a Redis stream, trimmed. It is a view and nothing more: nobody
 * waits for it, and an entry that could not be written is missing.
 */
export class Feed extends StorePart {
  /** Notes what events have come to. Never throws. */
  async note(state: EventState, events: readonly StreamEvent[]): Promise<void> {
    const { feed } = this.keys;
    await Promise.all(
      events.map((event) =>
        this.connection.xadd(feed, 'MAXLEN', '~', KEPT, '*', FIELD, JSON.stringify({ state, event })),
      ),
    ).catch(() => undefined);
  }

  /** The first entries behind a place, oldest first: each change of a stream's state is one. */
  async after(place: string, limit: number): Promise<Announcement[]> {
    return (await this.connection.xrange(this.keys.feed, `(${place}`, '+', 'COUNT', limit)).flatMap(read);
  }

  /**
   * Streams by their latest state, newest first, out of the last `limit` entries before a place, or of all.
   *
   * @param of only those of this user, or of this game
   * @returns `next`, the place of the oldest entry that was looked at; absent when there are no more
   */
  async before(
    place: string | undefined,
    limit: number,
    of?: { userId?: string | undefined; gameId?: string | undefined },
  ): Promise<{ announcements: Announcement[]; next?: string }> {
    const entries = of ? await this.#entriesOf(of, place, limit) : await this.#entries(place, limit);
    const undecided = entries.filter(({ state }) => state !== 'announced').map(({ streamId }) => streamId);
    const marks = undecided.length > 0 ? await this.connection.mget(undecided.map((id) => this.keys.mark(id))) : [];
    const announced = new Set(undecided.filter((_, i) => marks[i] === 'announced'));
    const seen = new Set<string>();
    const announcements = entries.filter(({ state, streamId }) => {
      // Its announcement stands further up, in this page or in the one before.
      if (seen.has(streamId) || (state !== 'announced' && announced.has(streamId))) return false;
      seen.add(streamId);
      return true;
    });
    const next = entries.length === limit ? entries.at(-1)?.place : undefined;
    return { announcements, ...(next !== undefined && { next }) };
  }

  async #entries(place: string | undefined, limit: number): Promise<Announcement[]> {
    const from = place === undefined ? '+' : `(${place}`;
    return (await this.connection.xrevrange(this.keys.feed, from, '-', 'COUNT', limit)).flatMap(read);
  }

  /** Looks through the whole feed, which is short. */
  async #entriesOf(
    { userId, gameId }: { userId?: string | undefined; gameId?: string | undefined },
    place: string | undefined,
    limit: number,
  ): Promise<Announcement[]> {
    const found: Announcement[] = [];
    for (let from = place; ; ) {
      const some = await this.#entries(from, ENTRIES_PER_READ);
      found.push(
        ...some.filter((each) => (userId ?? each.userId) === each.userId && (gameId ?? each.gameId) === each.gameId),
      );
      from = some.at(-1)?.place;
      if (some.length < ENTRIES_PER_READ || found.length >= limit) return found.slice(0, limit);
    }
  }

  /** The place of the newest entry; one before all entries if there is none. */
  async end(): Promise<string> {
    const [newest] = await this.connection.xrevrange(this.keys.feed, '+', '-', 'COUNT', 1);
    return newest?.[0] ?? '0-0';
  }
}

function read([place, fields]: [place: string, fields: string[]]): Announcement[] {
  const text = fields[fields.indexOf(FIELD) + 1];
  if (text === undefined) return [];
  const { state, event } = JSON.parse(text) as { state: EventState; event: StreamEvent };
  const { id: streamId, ...about } = event;
  return [{ place, state, at: new Date(Number(place.split('-')[0])).toISOString(), streamId, ...about }];
}
