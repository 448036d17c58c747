import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { pino } from 'pino';
import { Secret } from '../../src/config/secret.ts';
import type { Stream, StreamEvent, TargetKind } from '../../src/poll/model.ts';
import type { PollRef } from '../../src/poll/steps.ts';
import type { DiffRequest, DiffResult, StagedStream } from '../../src/storage/diff.ts';
import { connectStore, type StoreConnection, type StoreOptions, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { keyPrefix } from '../../src/storage/keys.ts';
import { type LiveEntry, readLiveEntry } from '../../src/storage/liveEntry.ts';
import { type Store, storeOn } from '../../src/storage/store.ts';
import { randomPrefix, redis } from '../support/services.ts';

export const MINUTE = 60_000;
/** A fixed moment, so that ages in the tests read as what they are. */
export const NOON = Date.parse('2026-01-01T12:00:00Z');

export type { Store };

/** A connection that is ready, and says nothing of what goes wrong with it. */
export async function connect(url: string, options: Partial<StoreOptions> = {}): Promise<StoreConnection> {
  const connection = connectStore({ url: new Secret(url), logger: pino({ level: 'silent' }), ...options });
  assert.ok(await waitUntilReady(connection, 5_000));
  return connection;
}

/** A store of its own on the shared server, behind a random prefix, or the one that is named. */
export async function openStore(url?: string, prefix = keyPrefix(randomPrefix())): Promise<Store> {
  return storeOn(await connect(url ?? (await redis()).url), prefix);
}

/** For a suite: a connection for as long as it runs. @returns what opens a store with nothing in it, on that connection */
export function emptyStores(): () => Store {
  let connection: StoreConnection;
  before(async () => {
    connection = await connect((await redis()).url);
  });
  after(() => connection.disconnect());
  return () => storeOn(connection, keyPrefix(randomPrefix()));
}

/** For a suite: a store with nothing in it, another for each of its tests. */
export function storeForEach(): Store {
  const emptyStore = emptyStores();
  const store = {} as Store;
  beforeEach(() => void Object.assign(store, emptyStore()));
  return store;
}

export function stream(id: string, userId: string, startedMs = NOON, gameId = 'game'): Stream {
  return { id, userId, userLogin: `login-${userId}`, gameId, title: `title of ${id}`, startedAt: iso(startedMs) };
}

/** As a poll stages them; a stream may name its own kind. */
export function staged(kind: TargetKind, ...streams: readonly Stream[]): StagedStream[] {
  return streams.map((one) => ({ kind, ...one, startedMs: Date.parse(one.startedAt) }));
}

export function ids(events: readonly { id: string }[]): string[] {
  return events.map(({ id }) => id);
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export interface Shown {
  kind?: TargetKind;
  streams?: Stream[];
  complete?: { users?: string[]; games?: string[] };
  /** Targets that are not there are added first, as long known and dormant. Default true; false leaves them as they are. */
  watch?: boolean;
}

/** One poll as the activities carry it out, with the steps in the caller's hands. */
export class TestPoll {
  readonly ref: PollRef;
  /** The greatest version of the store that it has seen: what its report tells the next poll. */
  storeVersion: number;
  readonly #store: Store;
  readonly #options: Partial<DiffRequest>;
  #diffs = 0;

  private constructor(store: Store, ref: PollRef, options: Partial<DiffRequest>) {
    this.#store = store;
    this.ref = ref;
    this.storeVersion = ref.no ?? 0;
    this.#options = options;
  }

  /**
   * Opens a poll that starts at `startedMs`.
   *
   * @param last the poll before it; or only when that started, as a report from before there were versions tells (0: none)
   */
  static async open(
    store: Store,
    startedMs: number,
    last: number | TestPoll = 0,
    options: Partial<DiffRequest> = {},
  ): Promise<TestPoll & { lost: boolean }> {
    const opening = { id: `poll-${startedMs}-${Math.random().toString(36).slice(2)}`, startedMs };
    const lastMs = typeof last === 'number' ? last : last.ref.startedMs;
    const known = {
      pollMs: lastMs,
      completeMs: lastMs,
      ...(last instanceof TestPoll && { storeVersion: last.storeVersion }),
    };
    const { lost, no } = await store.polls.open(opening, known, options.nowMs ?? startedMs);
    return Object.assign(new TestPoll(store, { ...opening, no }, { lastCompleteMs: lastMs, ...options }), { lost });
  }

  /** A poll that is open already, on another way to the store. */
  static of(store: Store, ref: PollRef): TestPoll {
    return new TestPoll(store, ref, {});
  }

  nextOwner(): string {
    return `${this.ref.id}#${this.#diffs++}`;
  }

  async diff(shown: Shown, owner = this.nextOwner()): Promise<DiffResult> {
    const { kind = 'user', streams = [], complete = {}, watch = true } = shown;
    const ids = streams.map(({ userId, gameId }) => (kind === 'user' ? userId : gameId));
    if (watch) await this.#store.targets.add(kind, [...new Set(ids)], 0, 0);
    const result = await this.#store.streams.diff({
      poll: this.ref,
      storeVersion: this.storeVersion,
      owner,
      streams: staged(kind, ...streams),
      complete: { users: complete.users ?? [], games: complete.games ?? [] },
      lastCompleteMs: 0,
      firstSight: 'announce',
      offlineAfterMisses: 2,
      hotUntilMs: this.ref.startedMs + 14 * 24 * 60 * MINUTE,
      nowMs: this.ref.startedMs,
      claimBytes: 36_000,
      ...this.#options,
    });
    if (!result.lost) this.storeVersion = Math.max(this.storeVersion, result.storeVersion);
    return result;
  }

  /** Diffs and publishes as if the broker confirmed at once. Returns what was announced. */
  async announce(shown: Shown): Promise<StreamEvent[]> {
    const owner = this.nextOwner();
    const result = await this.diff(shown, owner);
    if (result.lost) return [];
    const held = await this.#store.streams.renewClaims(owner, ids(result.events));
    await this.#store.streams.markAnnounced(held);
    return result.events.filter((event) => held.includes(event.id));
  }
}

export async function liveUsers({ connection, keys }: Store): Promise<string[]> {
  return (await connection.hkeys(keys.live)).sort();
}

/** Keeps all that is in the store now. @returns what brings it back, as a restart from a snapshot does */
export async function takeSnapshot({ connection, keys }: Store): Promise<() => Promise<void>> {
  const all = () => connection.keys(`${keys.meta.replace(/meta$/, '')}*`);
  const kept: [key: string, value: Buffer, ttlMs: number][] = [];
  for (const key of await all()) {
    const value = await connection.dumpBuffer(key);
    if (value) kept.push([key, value, Math.max(0, await connection.pttl(key))]);
  }
  return async () => {
    const now = await all();
    if (now.length > 0) await connection.unlink(...now);
    for (const [key, value, ttlMs] of kept) await connection.restore(key, ttlMs, value);
  };
}

/** The user's entry in the live set. */
export async function liveEntry({ connection, keys }: Store, userId: string): Promise<LiveEntry> {
  return readLiveEntry((await connection.hget(keys.live, userId)) ?? '{}');
}
