import type { ServerResponse } from 'node:http';
import { FEED_SIGN_MS, HTTP_IDLE_MS } from '../../poll/limits.ts';

/** Also how long a client that has lost its connection waits, at least, before it connects again. */
const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 500;

/** Entries behind a place, oldest first. */
type ReadFeed = (place: string, limit: number) => Promise<{ place: string }[]>;

interface Follower {
  response: ServerResponse;
  /** The place behind which it goes on. */
  from: string;
  /** When it was last written to. */
  toldMs: number;
}

/**
 * Connections on which the feed is followed, as server-sent events. The feed is read once for all that have come as far,
 * so that a hundred pages cost the store no more than one.
 */
export class Followers {
  readonly #read: ReadFeed;
  readonly #followers = new Set<Follower>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(read: ReadFeed) {
    this.#read = read;
  }

  get size(): number {
    return this.#followers.size;
  }

  /** Tells a client from now on what comes behind a place. Its headers are sent already. */
  add(response: ServerResponse, from: string): void {
    // It may have gone while its place was looked up, and nobody would notice.
    if (response.destroyed) return;
    const follower: Follower = { response, from, toldMs: performance.now() };
    this.#followers.add(follower);
    response.on('close', () => this.#remove(follower));
    response.write(`retry: ${2 * LOOK_EVERY_MS}\n\n`);
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  /** Ends all connections. */
  close(): void {
    for (const { response } of this.#followers) response.end();
  }

  #remove(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    // While the store is slow, looks must not pile up.
    if (this.#looking) return;
    this.#looking = true;
    const groups = Map.groupBy(this.#listening(), ({ from }) => from);
    await Promise.all([...groups].map(([from, group]) => this.#tell(group, from)));
    this.#looking = false;
  }

  /** Those that take what they are sent. Who takes nothing for long is cut off, and can come again where it was. */
  #listening(): Follower[] {
    return [...this.#followers].filter(({ response, toldMs }) => {
      if (!response.writableNeedDrain) return true;
      if (performance.now() - toldMs > HTTP_IDLE_MS) response.destroy();
      return false;
    });
  }

  async #tell(group: readonly Follower[], from: string): Promise<void> {
    // While the store is away nothing comes, and what came meanwhile comes when it is back.
    const some = await this.#read(from, AT_ONCE).catch(() => []);
    const text = some.map(toEvent).join('');
    const nowMs = performance.now();
    for (const follower of group) {
      if (some.length === 0 && nowMs - follower.toldMs < FEED_SIGN_MS) continue;
      follower.response.write(text || ': still here\n\n');
      follower.from = some.at(-1)?.place ?? from;
      follower.toldMs = nowMs;
    }
    const more = group.filter(({ response }) => !response.writableNeedDrain && !response.destroyed);
    if (some.length === AT_ONCE && more.length > 0) await this.#tell(more, some.at(-1)?.place ?? from);
  }
}

function toEvent(entry: { place: string }): string {
  return `id: ${entry.place}\nevent: announcement\ndata: ${JSON.stringify(entry)}\n\n`;
}
