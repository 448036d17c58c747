import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyStores, ids, liveUsers, MINUTE, NOON, type Store, stream, TestPoll } from './support.ts';

/** A list where the mark of a stream should be: the script fails over it whatever else it is given. */
const spoil = ({ connection, keys }: Store, id: string) => connection.lpush(keys.mark(id), 'not a mark');

describe('a stream that the script fails over', () => {
  const emptyStore = emptyStores();

  async function watching(count: number): Promise<Store> {
    const store = emptyStore();
    await store.targets.add(
      'user',
      Array.from({ length: count }, (_, n) => `u${n}`),
      0,
    );
    return store;
  }

  it('costs itself alone, among 1,200, in whatever place', async () => {
    const bad = ['s0', 's499', 's500', 's777', 's778', 's1199'];
    const store = await watching(1_200);
    const all = Array.from({ length: 1_200 }, (_, n) => stream(`s${n}`, `u${n}`));
    for (const id of bad) await spoil(store, id);
    const poll = await TestPoll.open(store, NOON, 0, { claimBytes: Number.MAX_SAFE_INTEGER });
    const result = await poll.diff({ streams: all });
    assert.ok(!result.lost);
    assert.equal(result.handled, 1_200);
    assert.deepEqual(
      result.skipped.map(({ stream: { id } }) => id),
      bad,
    );
    assert.match(result.skipped[0]?.why ?? '', /WRONGTYPE/);
    assert.deepEqual(
      ids(result.events),
      ids(all).filter((id) => !bad.includes(id)),
    );
    assert.equal((await liveUsers(store)).length, 1_194);
  });

  it('counts no miss for its target, and all others do', async () => {
    const store = await watching(3);
    const users = ['u0', 'u1', 'u2'];
    const options = { offlineAfterMisses: 1 };
    const first = await TestPoll.open(store, NOON, 0, options);
    await first.announce({ streams: users.map((user) => stream(`s-${user}`, user)) });
    await store.connection.del(store.keys.mark('s-u1'));
    await spoil(store, 's-u1');
    const next = await TestPoll.open(store, NOON + MINUTE, NOON, options);
    const result = await next.diff({ streams: [stream('s-u1', 'u1'), stream('s-u2', 'u2')], complete: { users } });
    assert.ok(!result.lost && result.skipped.length === 1 && result.ended === 1);
    assert.deepEqual(await liveUsers(store), ['u1', 'u2']);
  });

  it('is not taken for bad when the misses are what fails', async () => {
    const store = await watching(3);
    const poll = await TestPoll.open(store, NOON);
    // One element more than cjson nests.
    const nested = JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`);
    const result = await poll.diff({ streams: [stream('s0', 'u0'), stream('s1', 'u1')], complete: { users: nested } });
    assert.ok(!result.lost);
    assert.deepEqual([result.events.length, result.skipped.length], [2, 0]);
    assert.match(result.uncounted ?? '', /nest/);
  });

  it('fails the whole when the script fails whatever it is given', async () => {
    const store = await watching(2);
    const poll = await TestPoll.open(store, NOON);
    await store.connection.lpush(store.keys.live, 'not a hash');
    await assert.rejects(poll.diff({ streams: [stream('s0', 'u0'), stream('s1', 'u1')] }), /WRONGTYPE/);
  });

  it('an entry of the live set that can not be read is written anew', async () => {
    const store = await watching(2);
    await store.connection.hset(store.keys.live, 'u0', '\ud83d{"', 'u1', '{}\nabout');
    const poll = await TestPoll.open(store, NOON);
    const result = await poll.diff({
      streams: [stream('s0', 'u0'), stream('s1', 'u1')],
      complete: { users: ['u0', 'u1'] },
    });
    assert.ok(!result.lost);
    assert.deepEqual([result.events.length, result.skipped.length, result.live], [2, 0, 2]);
  });

  it('a page whose text is not what was written counts as gone', async () => {
    const store = await watching(1);
    const { ref } = await TestPoll.open(store, NOON);
    await store.streams.stagePage(ref, { batch: 0, page: 0 }, 'user', [stream('s0', 'u0')]);
    await store.connection.set(store.keys.page(ref.id, 0, 0), '[{"id":');
    assert.deepEqual(await store.streams.readPages(ref, [{ batch: 0, page: 0, streams: 1 }]), [undefined]);
  });
});
