import { LEASE_MS, MARK_MS, PAGE_TTL_SECONDS, VISIBILITY_LAG_MS } from '../poll/limits.ts';
import type { Stream, TargetKind } from '../poll/model.ts';
import type { PageRef, PollRef } from '../poll/steps.ts';
import { compareAll, eventBytes } from './compareAll.ts';
import type { DiffRequest, DiffResult, StagedStream } from './diff.ts';
import type { StoreConnection } from './dragonfly.ts';
import type { Keys } from './keys.ts';
import { type LiveStream, readLiveEntry } from './liveEntry.ts';
import { type FindLive, LiveSearch } from './liveSearch.ts';
import { StorePart } from './part.ts';
import { exceptions } from './polls.ts';
import { splitGames } from './splitGames.ts';

export interface ListLive {
  limit: number;
  gameId?: string | undefined;
  after?: string | undefined;
}

/** The live set, the marks of announced streams, and the pages staged between a request and its diff. */
export class Streams extends StorePart {
  readonly #search: LiveSearch;

  constructor(connection: StoreConnection, keys: Keys) {
    super(connection, keys);
    this.#search = new LiveSearch(connection, keys);
  }

  /**
   * Keeps a page until its diff.
   *
   * @param again an earlier attempt may have kept this page and died: what it saw stays, though it may be over by now
   * @returns how many streams are kept, and how many of them have no mark: they are new
   */
  async stagePage(
    poll: PollRef,
    page: Omit<PageRef, 'streams'>,
    kind: TargetKind,
    streams: readonly Stream[],
    again = false,
  ): Promise<{ streams: number; unseen: number }> {
    const staged = new Map<string, StagedStream>();
    const [earlier] = again ? await this.readPages(poll, [{ ...page, streams: 0 }]) : [];
    for (const stream of earlier ?? []) staged.set(stream.id, stream);
    for (const stream of streams) staged.set(stream.id, { ...stream, kind, startedMs: Date.parse(stream.startedAt) });
    if (staged.size === 0) return { streams: 0, unseen: 0 };
    const key = this.keys.page(poll.id, page.batch, page.page);
    const [, marks] = await Promise.all([
      this.connection.set(key, JSON.stringify([...staged.values()]), 'EX', PAGE_TTL_SECONDS),
      this.connection.mget([...staged.keys()].map((id) => this.keys.mark(id))),
    ]);
    return { streams: staged.size, unseen: marks.filter((mark) => mark === null).length };
  }

  /** The streams of each page in order; `undefined` for a page that is gone, or no longer what was written. */
  async readPages(poll: PollRef, pages: readonly PageRef[]): Promise<(StagedStream[] | undefined)[]> {
    if (pages.length === 0) return [];
    const texts = await this.connection.mget(pages.map(({ batch, page }) => this.keys.page(poll.id, batch, page)));
    return texts.map((text) => {
      try {
        return text === null ? undefined : (JSON.parse(text) as StagedStream[]);
      } catch {
        return undefined;
      }
    });
  }

  /**
   * Compares streams with what is known, claims the new ones, and counts misses for complete targets once all streams
   * are handled. Stops early when the claimed streams fill `claimBytes`; `handled` tells how far it came.
   */
  async diff(request: DiffRequest): Promise<DiffResult> {
    const { users, games } = request.complete;
    const [first = [], ...more] = splitGames(games, await this.countInGames(games));
    const parts = [{ users, games: first }, ...more.map((some) => ({ users: [], games: some }))];
    return compareAll(request, parts, (...call) => this.#compare(request, ...call));
  }

  #compare(
    request: DiffRequest,
    streams: readonly StagedStream[],
    complete: DiffRequest['complete'],
    claimBytes: number,
    seenVersion: number,
  ) {
    return this.connection.diffStreams(
      9 + streams.length,
      this.keys.meta,
      this.keys.live,
      this.keys.liveByGame,
      this.keys.added('user'),
      this.keys.added('game'),
      this.keys.hot,
      this.keys.hotUntil,
      this.keys.targets('user'),
      this.keys.targets('game'),
      ...streams.map((stream) => this.keys.mark(stream.id)),
      JSON.stringify({
        poll: request.poll.id,
        pollNo: request.poll.no ?? 0,
        seenVersion,
        openedAt: request.poll.no === undefined ? request.poll.startedMs : 0,
        owner: request.owner,
        now: request.nowMs,
        // Texts, since they go into commands: which text Lua makes of a number depends on its version.
        leaseMs: String(LEASE_MS),
        markMs: String(MARK_MS),
        firstSight: request.firstSight,
        enteredBefore: request.lastCompleteMs - VISIBILITY_LAG_MS,
        except: exceptions(request.unpolled ?? []),
        offlineAfterMisses: request.offlineAfterMisses,
        hotUntil: String(request.hotUntilMs),
        claimBytes,
      }),
      JSON.stringify(complete),
      ...streams.flatMap((stream) => {
        const { kind, id, userId, userLogin, gameId, title, startedAt, startedMs } = stream;
        const about = JSON.stringify({ userLogin, title, startedAt });
        return [kind, id, userId, gameId, startedMs, eventBytes(stream), about];
      }),
    );
  }

  /** Renews an owner's claims before it publishes. Returns the ids that it still has to publish. */
  async renewClaims(owner: string, streamIds: readonly string[], leaseMs = LEASE_MS): Promise<string[]> {
    const held = await this.connection.renewClaims(
      streamIds.length,
      ...streamIds.map((id) => this.keys.mark(id)),
      owner,
      leaseMs,
    );
    return streamIds.filter((_, i) => held[i] === 1);
  }

  /** Marks streams as announced: to be called when the broker has confirmed them, not before. */
  async markAnnounced(streamIds: readonly string[]): Promise<void> {
    await Promise.all(streamIds.map((id) => this.connection.set(this.keys.mark(id), 'announced', 'PX', MARK_MS)));
  }

  /** How many streams of each game are in the live set. */
  async countInGames(games: readonly string[]): Promise<number[]> {
    const { connection, keys } = this;
    return Promise.all(games.map((id) => connection.zlexcount(keys.liveByGame, `[${id}\x1f`, `[${id}\x1f\xff`)));
  }

  async countLive(): Promise<number> {
    return this.connection.hlen(this.keys.live);
  }

  /** The live streams of those of the users that have one. */
  async liveOf(userIds: readonly string[]): Promise<Map<string, LiveStream>> {
    if (userIds.length === 0) return new Map();
    const texts = await this.connection.hmget(this.keys.live, ...userIds);
    return new Map(
      userIds.flatMap((userId, i) => {
        if (!texts[i]) return [];
        const { streamId, userLogin, gameId, title, startedAt, seenMs } = readLiveEntry(texts[i]);
        const seenAt = new Date(seenMs).toISOString();
        return [[userId, { streamId, userId, userLogin, gameId, title, startedAt, seenAt }] as const];
      }),
    );
  }

  /**
   * Up to `limit` live streams in the order of game id and user id (bytewise), of one game only if it is named.
   *
   * @param after `next` of the page before; one that is not ours begins anew
   * @returns `next`, behind which to go on; absent when there are no more
   */
  async listLive({ limit, gameId, after }: ListLive): Promise<{ streams: LiveStream[]; next?: string }> {
    const [first, last] = gameId === undefined ? ['-', '+'] : [`[${gameId}\x1f`, `[${gameId}\x1f\xff`];
    const behind = after === undefined ? '' : Buffer.from(after, 'base64url').toString();
    const from = behind.includes('\x1f') ? `(${behind}` : first;
    const found = await this.connection.zrangebylex(this.keys.liveByGame, from, last, 'LIMIT', 0, limit + 1);
    const page = found.slice(0, limit);
    const live = await this.liveOf(page.map((member) => member.slice(member.lastIndexOf('\x1f') + 1)));
    const next = found.length > limit && Buffer.from(page.at(-1) ?? '').toString('base64url');
    return { streams: [...live.values()], ...(next && { next }) };
  }

  /**
   * Up to `limit` live streams by their user, in the order of logins. One may be missing in the first seconds after it went live.
   *
   * @param wanted.after as in `listLive`
   */
  async findLive(wanted: FindLive): Promise<{ streams: LiveStream[]; next?: string }> {
    const { userIds, next } = await this.#search.find(wanted);
    const live = await this.liveOf(userIds);
    return { streams: [...live.values()], ...(next !== undefined && { next }) };
  }
}
