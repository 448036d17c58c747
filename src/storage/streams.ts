import { BROADCAST_MOST_MS, LEASE_MS, MARK_MS, PAGE_TTL_SECONDS, VISIBILITY_LAG_MS } from '../poll/limits.ts';
import type { Stream, TargetKind } from '../poll/model.ts';
import type { PageRef, PollRef, UnpolledTargets } from '../poll/steps.ts';
import type { UnpolledRange } from '../poll/unpolled.ts';
import { storeNowMs } from './clock.ts';
import { compareAll, eventBytes } from './compareAll.ts';
import type { DiffRequest, DiffResult, StagedStream } from './diff.ts';
import type { Dragonfly } from './dragonfly.ts';
import { Keys } from './keys.ts';
import { countInGames, splitGames } from './splitGames.ts';

/** What a poll knows of the last finished one when it opens. */
export interface KnownPoll {
  /** Its start (Unix ms), 0 if none is known. */
  pollMs: number;
  /** The start of the last poll that reached every target (Unix ms), 0 if none is known. */
  completeMs: number;
  /** The greatest version of the store that it saw; absent if its report is from before there were versions. */
  storeVersion?: number;
}

/** An entry of the live set: what the scripts work with, and what they only keep. */
export interface LiveEntry extends Omit<Stream, 'id' | 'userId'> {
  streamId: string;
  seenMs: number;
  byUser: boolean;
  misses: number;
}

/** Reads an entry as the scripts write it: two JSON texts, a line each. */
export function readLiveEntry(text: string): LiveEntry {
  const [state = '{}', about] = text.split('\n');
  return { ...JSON.parse(state), ...(about && JSON.parse(about)) };
}

/** As the script diffStreams reads them. */
function exceptions(unpolled: readonly UnpolledTargets[]) {
  return unpolled.map(({ kind, first, last, sinceMs }) => ({ kind, first, last, before: sinceMs - VISIBILITY_LAG_MS }));
}

/** The live set, the marks of announced streams, and the pages staged between a request and its diff. */
export class Streams {
  readonly #redis: Dragonfly;
  readonly #keys: Keys;

  constructor(redis: Dragonfly, keys = new Keys()) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /**
   * Opens a poll, gives it its number, and finds out whether state was lost since the last finished one: the store has
   * then counted less than that one saw, because it came back empty or from a snapshot.
   *
   * @returns the poll's number, which is the store's version too
   */
  async openPoll(poll: PollRef, known: KnownPoll, nowMs: number): Promise<{ lost: boolean; no: number }> {
    const { storeVersion } = known;
    // A clock that ran ahead in the last complete poll must not silence what starts after it was set back.
    const silentBefore = Math.max(0, Math.min(known.completeMs, nowMs) - VISIBILITY_LAG_MS);
    const [lost, no] = await this.#redis.openPoll(
      this.#keys.meta,
      poll.id,
      poll.startedMs,
      storeVersion ?? 0,
      storeVersion === undefined ? known.pollMs : 0,
      silentBefore,
      nowMs + BROADCAST_MOST_MS,
    );
    return { lost: lost === 1, no };
  }

  /**
   * After a loss of state: streams of targets that polls had missed are taken in silently only if they started before these
   * were polled last. To be called before anything is compared; safe to call again.
   */
  async noteUnpolledBeforeLoss(unpolled: readonly UnpolledTargets[]): Promise<void> {
    await this.#redis.hset(this.#keys.meta, 'silentExcept', JSON.stringify(exceptions(unpolled)));
  }

  /** Notes which targets the last poll, and those before it, did not reach: for the readiness of all processes. */
  async noteUnpolled(unpolled: readonly UnpolledRange[]): Promise<void> {
    if (unpolled.length === 0) await this.#redis.hdel(this.#keys.meta, 'unpolled');
    else await this.#redis.hset(this.#keys.meta, 'unpolled', JSON.stringify(unpolled));
  }

  async readUnpolled(): Promise<UnpolledRange[]> {
    return JSON.parse((await this.#redis.hget(this.#keys.meta, 'unpolled')) ?? '[]') as UnpolledRange[];
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
    const key = this.#keys.page(poll.id, page.batch, page.page);
    const [, marks] = await Promise.all([
      this.#redis.set(key, JSON.stringify([...staged.values()]), 'EX', PAGE_TTL_SECONDS),
      this.#redis.mget([...staged.keys()].map((id) => this.#keys.mark(id))),
    ]);
    return { streams: staged.size, unseen: marks.filter((mark) => mark === null).length };
  }

  /** The streams of each page in order; `undefined` for a page that is gone, or no longer what was written. */
  async readPages(poll: PollRef, pages: readonly PageRef[]): Promise<(StagedStream[] | undefined)[]> {
    if (pages.length === 0) return [];
    const texts = await this.#redis.mget(pages.map(({ batch, page }) => this.#keys.page(poll.id, batch, page)));
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
    const [first = [], ...more] = await splitGames(this.#redis, this.#keys, games);
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
    return this.#redis.diffStreams(
      9 + streams.length,
      this.#keys.meta,
      this.#keys.live,
      this.#keys.liveByGame,
      this.#keys.added('user'),
      this.#keys.added('game'),
      this.#keys.hot,
      this.#keys.hotUntil,
      this.#keys.targets('user'),
      this.#keys.targets('game'),
      ...streams.map((stream) => this.#keys.mark(stream.id)),
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
    const held = await this.#redis.renewClaims(
      streamIds.length,
      ...streamIds.map((id) => this.#keys.mark(id)),
      owner,
      leaseMs,
    );
    return streamIds.filter((_, i) => held[i] === 1);
  }

  /** Marks streams as announced: to be called when the broker has confirmed them, not before. */
  async markAnnounced(streamIds: readonly string[]): Promise<void> {
    await Promise.all(streamIds.map((id) => this.#redis.set(this.#keys.mark(id), 'announced', 'PX', MARK_MS)));
  }

  /** How many streams of each game are in the live set. */
  async countInGames(games: readonly string[]): Promise<number[]> {
    return countInGames(this.#redis, this.#keys, games);
  }

  /** The store's clock (Unix ms): see `storeNowMs`. */
  async nowMs(): Promise<number> {
    return storeNowMs(this.#redis);
  }

  async countLive(): Promise<number> {
    return this.#redis.hlen(this.#keys.live);
  }
}
