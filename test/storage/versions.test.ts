import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  emptyStore,
  liveEntry,
  liveUsers,
  MINUTE,
  NOON,
  openStore,
  type Store,
  stream,
  TestPoll,
  takeSnapshot,
} from './support.ts';

const HOUR = 60 * MINUTE;
const ids = (events: { id: string }[]) => events.map((event) => event.id);

describe('polls are ordered by the store, whatever clocks say', () => {
  let opened: Store;
  let store: Store;
  before(async () => {
    opened = await openStore();
  });
  beforeEach(() => {
    store = emptyStore(opened);
  });
  after(() => opened.connection.disconnect());

  it('a clock that ran ahead and was set back does not keep a stream from ending', async () => {
    const ahead = await TestPoll.open(store, NOON + 24 * HOUR);
    await ahead.announce({ streams: [stream('s1', 'u1')] });
    let last: TestPoll = ahead;
    for (const minute of [1, 2]) {
      last = await TestPoll.open(store, NOON + minute * MINUTE, last);
      await last.announce({ complete: { users: ['u1'] } });
    }
    assert.deepEqual(await liveUsers(store), []);
  });

  it('nor the next stream of the user from taking its place', async () => {
    const ahead = await TestPoll.open(store, NOON + 24 * HOUR);
    await ahead.announce({ streams: [stream('s1', 'u1')] });
    const next = await TestPoll.open(store, NOON + MINUTE, ahead);
    await next.announce({ streams: [stream('s2', 'u1', NOON + MINUTE)] });
    assert.equal((await liveEntry(store, 'u1')).streamId, 's2');
  });

  it('two polls of the same millisecond are two', async () => {
    const first = await TestPoll.open(store, NOON, 0, { offlineAfterMisses: 1 });
    const second = await TestPoll.open(store, NOON, first, { offlineAfterMisses: 1 });
    await second.announce({ streams: [stream('s1', 'u1')] });
    await first.announce({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), ['u1'], 'the first began before the second saw it');
  });

  it('a poll that was opened before there were numbers comes before all that have one', async () => {
    const numbered = await TestPoll.open(store, NOON, 0, { offlineAfterMisses: 1 });
    await numbered.announce({ streams: [stream('s1', 'u1')] });
    const { id, startedMs } = numbered.ref;
    const old = { poll: { id: `${id}-old`, startedMs }, storeVersion: undefined, offlineAfterMisses: 1 };
    const unnumbered = await TestPoll.open(store, NOON, numbered, old);
    await unnumbered.announce({ streams: [stream('s0', 'u1')], complete: { users: ['u1'] } });
    assert.equal((await liveEntry(store, 'u1')).streamId, 's1');
  });
});

describe('a store that came back from a snapshot', () => {
  let opened: Store;
  let store: Store;
  before(async () => {
    opened = await openStore();
  });
  beforeEach(() => {
    store = emptyStore(opened);
  });
  after(() => opened.connection.disconnect());

  const old = Array.from({ length: 4 }, (_, i) => stream(`old${i}`, `u${i}`, NOON - HOUR));

  it('of the middle of the first poll is noticed by the next one, which repeats nothing', async () => {
    const first = await TestPoll.open(store, NOON);
    assert.equal((await first.announce({ streams: old.slice(0, 2) })).length, 2);
    const restore = await takeSnapshot(store);
    assert.equal((await first.announce({ streams: old.slice(2) })).length, 2);
    await restore();
    const next = await TestPoll.open(store, NOON + MINUTE, first);
    assert.ok(next.lost);
    assert.deepEqual(await next.announce({ streams: old }), []);
    const later = await TestPoll.open(store, NOON + 2 * MINUTE, next);
    assert.ok(!later.lost, 'it is found once');
  });

  it('of the moment at which the poll had just begun is noticed too, and by that poll itself', async () => {
    const first = await TestPoll.open(store, NOON);
    const restore = await takeSnapshot(store);
    await first.announce({ streams: old.slice(0, 2) });
    await restore();
    assert.deepEqual(await first.diff({ streams: old.slice(2) }), { lost: true });
    const next = await TestPoll.open(store, NOON + MINUTE, first);
    assert.ok(next.lost, 'its report still knows what it has seen');
  });

  it('is noticed although a clock that ran ahead had noted a later poll', async () => {
    const ahead = await TestPoll.open(store, NOON + 24 * HOUR, 0, { nowMs: NOON });
    await ahead.announce({ streams: old.slice(0, 1) });
    const restore = await takeSnapshot(store);
    const second = await TestPoll.open(store, NOON + MINUTE, ahead);
    await second.announce({ streams: old });
    await restore();
    const next = await TestPoll.open(store, NOON + 2 * MINUTE, second);
    assert.ok(next.lost);
    assert.deepEqual(await next.announce({ streams: old }), []);
  });

  it('announces what starts after a clock that ran ahead was set back', async () => {
    const ahead = await TestPoll.open(store, NOON + 24 * HOUR, 0, { nowMs: NOON });
    await store.connection.del(store.keys.meta);
    const next = await TestPoll.open(store, NOON + MINUTE, ahead, { nowMs: NOON + MINUTE });
    assert.ok(next.lost);
    assert.deepEqual(ids(await next.announce({ streams: [stream('young', 'u9', NOON)] })), ['young']);
  });

  it('gives out no number again that it gave out before', async () => {
    const first = await TestPoll.open(store, NOON);
    await first.announce({ streams: old });
    await store.connection.del(store.keys.meta);
    const next = await TestPoll.open(store, NOON + MINUTE, first);
    assert.ok((next.ref.no ?? 0) > first.storeVersion);
    assert.ok(!(await first.diff({ streams: old })).lost, 'the first goes on in what the next has set up');
  });

  it('is not suspected when polls overlap, diffs are tried again, or a report is late', async () => {
    const a = await TestPoll.open(store, NOON);
    const b = await TestPoll.open(store, NOON + 1, a);
    for (const poll of [a, b, a]) {
      const owner = poll.nextOwner();
      for (let i = 0; i < 3; i++) assert.ok(!(await poll.diff({ streams: old }, owner)).lost);
    }
    for (const last of [b, a, b]) assert.ok(!(await TestPoll.open(store, NOON + MINUTE, last)).lost);
  });
});
