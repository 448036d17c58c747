import assert from 'node:assert/strict';
import type { TargetKind } from '../../src/poll/model.ts';
import type { PollRef } from '../../src/poll/steps.ts';
import type { StagedStream } from '../../src/storage/diff.ts';
import type { StoreConnection } from '../../src/storage/dragonfly.ts';
import { readLiveEntry } from '../../src/storage/liveEntry.ts';
import { Note } from '../../src/storage/series.ts';
import { eventually } from '../support/services.ts';
import { MINUTE, NOON, type Store, staged, stream } from './support.ts';

/** What the service does to the store, each kind once, with the state that it finds. */
export interface Operation {
  name: string;
  prepare(store: Store): Promise<unknown>;
  act(store: Store): Promise<unknown>;
  /**
   * What of the result must be the same however often it was carried out. Numbers of changes are left out: they say what
   * the last call changed.
   */
  essence?(result: unknown): unknown;
}

const FIRST: PollRef = { id: 'first', startedMs: NOON, no: 1 };
const SECOND: PollRef = { id: 'second', startedMs: NOON + MINUTE, no: 2 };
const USERS = ['u1', 'u2', 'u3', 'u4'];

const inG1 = (kind: TargetKind, ...users: string[]) =>
  staged(kind, ...users.map((user) => stream(`s-${user}`, user, NOON, 'g1')));

const diff = (
  { streams }: Store,
  poll: PollRef,
  shown: StagedStream[],
  complete: { users: string[]; games: string[] } = { users: [], games: [] },
) =>
  streams.diff({
    poll,
    owner: `${poll.id}#0`,
    streams: shown,
    complete,
    lastCompleteMs: 0,
    firstSight: 'silent',
    offlineAfterMisses: 1,
    hotUntilMs: NOON + 60 * MINUTE,
    nowMs: poll.startedMs,
    claimBytes: 36_000,
  });

const open = async ({ polls }: Store, poll: PollRef, lastMs = 0) => {
  const opened = await polls.open(poll, { pollMs: lastMs, completeMs: lastMs }, poll.startedMs);
  // Its number is one more with each attempt, as the store's version is: they only ever grow.
  return { ...opened, no: undefined };
};

async function someLive(store: Store): Promise<void> {
  await store.targets.add('user', USERS, NOON - MINUTE, NOON);
  await store.targets.add('game', ['g1', 'g2'], NOON - MINUTE);
  await open(store, FIRST);
  await diff(store, FIRST, [...inG1('user', 'u1', 'u2'), ...inG1('game', 'x1', 'x2')]);
  await store.streams.markAnnounced(['s-u1', 's-x1']);
}

/** u1 is the client's, u2 the settings', u3 of both, and u4 removed by the client although the settings name it. */
async function someNamed({ targets }: Store): Promise<void> {
  await targets.add('user', ['u1'], NOON, NOON);
  await targets.add('user', ['u2', 'u3', 'u4'], NOON, NOON, 'settings');
  await targets.add('user', ['u3'], NOON, NOON);
  await targets.remove('user', ['u4']);
}

function someNote(): Note {
  const note = new Note();
  note.count('requests', 3);
  note.time('lag', 1_500);
  note.is('live', 7);
  return note;
}

const decided = (result: unknown) => {
  const { lost, handled, live, events } = result as { [field: string]: unknown };
  return { lost, handled, live, events };
};

/** Every script, and every plain command that writes. */
export const OPERATIONS: readonly Operation[] = [
  {
    name: 'openPoll finds that state was lost',
    prepare: async () => undefined,
    act: (store) => open(store, SECOND, FIRST.startedMs),
  },
  {
    name: 'openPoll after another poll',
    prepare: (store) => open(store, FIRST),
    act: (store) => open(store, SECOND, FIRST.startedMs),
  },
  {
    name: 'addTargets',
    prepare: ({ targets }) => targets.add('user', ['u1'], NOON, NOON),
    async act({ targets }) {
      await targets.add('user', USERS, NOON + MINUTE, NOON + MINUTE);
      await targets.add('game', ['g1'], NOON + MINUTE);
    },
  },
  {
    name: 'addTargets for the settings, beside what the client did',
    prepare: (store) => someNamed(store),
    async act({ targets }) {
      await targets.add('user', ['u1', 'u2', 'u3', 'u4', 'u5'], NOON + MINUTE, NOON + MINUTE, 'settings');
      await targets.add('user', ['u2', 'u3', 'u4'], NOON + MINUTE, NOON + MINUTE);
    },
  },
  {
    name: 'removeTargets for the settings, beside what the client did',
    prepare: (store) => someNamed(store),
    async act({ targets }) {
      await targets.remove('user', ['u2']);
      await targets.remove('user', ['u1', 'u2', 'u3', 'u4', 'u5'], 'settings');
    },
  },
  {
    name: 'coolTargets',
    prepare: ({ targets }) => targets.add('user', USERS, NOON, NOON),
    async act({ targets }) {
      await targets.add('user', ['u9'], NOON, NOON + MINUTE);
      await targets.cool(NOON);
      return targets.listHot(undefined, 10);
    },
  },
  {
    name: 'removeTargets',
    prepare: someLive,
    async act({ targets }) {
      await targets.remove('user', ['u1', 'u3']);
      await targets.remove('game', ['g1']);
    },
  },
  {
    name: 'stagePage and readPages',
    prepare: async () => undefined,
    async act({ streams }) {
      const page = [stream('s1', 'u1'), stream('s2', 'u2')];
      const fresh = (await streams.stagePage(FIRST, { batch: 3, page: 1 }, 'user', page)).unseen;
      return [fresh, await streams.readPages(FIRST, [{ batch: 3, page: 1, streams: 2 }])];
    },
  },
  {
    name: 'diffStreams claims, renews, takes in, and counts misses',
    prepare: async (store) => {
      await someLive(store);
      await open(store, SECOND, NOON);
    },
    act: (store) =>
      diff(store, SECOND, [...inG1('user', 'u2', 'u3', 'u4'), ...inG1('game', 'x2', 'x3')], {
        users: ['u1'],
        games: ['g1'],
      }),
    essence: decided,
  },
  {
    name: 'diffStreams moves streams to other games, and takes in those of before a loss',
    prepare: async (store) => {
      await someLive(store);
      await diff(store, FIRST, staged('user', stream('s-u4', 'u4', NOON, 'elsewhere')));
      await open(store, SECOND, NOON + 30 * MINUTE);
    },
    act: (store) =>
      diff(
        store,
        SECOND,
        [
          ...staged('user', stream('s-u1', 'u1', NOON, 'g2'), stream('s-u2-next', 'u2', NOON + 25 * MINUTE, 'g2')),
          ...staged('game', stream('s-x1-next', 'x1', NOON + 25 * MINUTE, 'g2'), stream('s-x9', 'x9', NOON, 'g2')),
        ],
        { users: ['u4'], games: ['g1', 'g2'] },
      ),
    essence: decided,
  },
  {
    name: 'renewClaims and markAnnounced',
    prepare: someLive,
    async act({ streams }) {
      const held = await streams.renewClaims('first#0', ['s-u1', 's-u2', 's-new']);
      await streams.markAnnounced(held);
      return held;
    },
    // What was renewed and then announced is not held again.
    essence: () => undefined,
  },
  {
    name: 'noteSeries adds a note once',
    prepare: ({ series }) => series.write(someNote(), NOON, 'another', 1),
    act: ({ series }) => series.write(someNote(), NOON + MINUTE, 'one', 1),
  },
  {
    name: 'holdAlerts takes a free lease, keeps what fires, and leaves it to its holder',
    async prepare({ alerts }) {
      await alerts.hold({ worker: 'one', leaseMs: 1, mayTake: true, troubles: '{"A":1}' });
      await eventually(async () => assert.equal((await alerts.read()).holder, undefined));
    },
    async act({ alerts }) {
      const taken = await alerts.hold({ worker: 'two', leaseMs: 60_000, mayTake: true, troubles: '{"B":2}' });
      const refused = await alerts.hold({ worker: 'three', leaseMs: 60_000, mayTake: true, troubles: '{"C":3}' });
      return [taken, refused];
    },
  },
];

/**
 * All that is behind a prefix, with whether it expires: two stores that went through the same are equal. What a script wrote
 * as JSON is read, for Lua's tables have no order that a server would have to keep. The store's version is left out: it counts
 * attempts too.
 */
export async function contents(connection: StoreConnection, prefix: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, some] = await connection.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000);
    keys.push(...some);
    cursor = next;
  } while (cursor !== '0');
  for (const key of keys.sort()) {
    const type = await connection.type(key);
    const expires = (await connection.pttl(key)) > 0;
    const value = await readKey(connection, key, type);
    found[key.slice(prefix.length)] = { type, expires, value };
  }
  return found;
}

function readKey(connection: StoreConnection, key: string, type: string): Promise<unknown> {
  if (type === 'string') return connection.get(key);
  if (type === 'hash') return readHash(connection, key);
  if (type === 'zset') return connection.zrange(key, 0, '-1', 'WITHSCORES');
  throw new Error(`${key} is a ${type}, which nothing here writes`);
}

async function readHash(connection: StoreConnection, key: string): Promise<unknown> {
  const fields = Object.entries(await connection.hgetall(key)).filter(([name]) => name !== 'version');
  return Object.fromEntries(fields.map(([name, text]) => [name, text.startsWith('{') ? readLiveEntry(text) : text]));
}
