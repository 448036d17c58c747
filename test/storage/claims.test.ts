import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ids, NOON, storeForEach, stream, TestPoll } from './support.ts';

describe('claims', () => {
  const store = storeForEach();

  it('give a retried diff the same events, and another poll none', async () => {
    const a = await TestPoll.open(store, NOON);
    const b = await TestPoll.open(store, NOON + 1, NOON);
    const first = await a.diff({ streams: [stream('c1', 'u1')] }, 'owner a');
    const again = await a.diff({ streams: [stream('c1', 'u1')] }, 'owner a');
    assert.ok(!first.lost && !again.lost);
    assert.deepEqual(again.events, first.events);
    assert.equal(first.events.length, 1);
    assert.deepEqual(await b.announce({ streams: [stream('c1', 'u1')] }), []);
  });

  it('have a lease that ends by itself, and that is renewed in whole', async () => {
    const a = await TestPoll.open(store, NOON);
    await a.diff({ streams: [stream('c0', 'u0')] }, 'owner a');
    const first = await store.connection.pttl(store.keys.mark('c0'));
    assert.ok(first > 50_000 && first <= 60_000, `${first} ms`);
    await store.connection.pexpire(store.keys.mark('c0'), 5_000);
    await store.streams.renewClaims('owner a', ['c0', 'gone']);
    for (const id of ['c0', 'gone']) {
      const renewed = await store.connection.pttl(store.keys.mark(id));
      assert.ok(renewed > 50_000 && renewed <= 60_000, `${renewed} ms`);
    }
  });

  it('pass to the next poll when their lease is over, and then the first owner may not publish any more', async () => {
    const a = await TestPoll.open(store, NOON);
    await a.diff({ streams: [stream('c2', 'u2')] }, 'owner a');
    await store.connection.pexpire(store.keys.mark('c2'), 1);
    const b = await TestPoll.open(store, NOON + 1, NOON);
    let taken = await b.diff({ streams: [stream('c2', 'u2')] }, 'owner b');
    while (!taken.lost && taken.events.length === 0) taken = await b.diff({ streams: [stream('c2', 'u2')] }, 'owner b');
    assert.deepEqual(await store.streams.renewClaims('owner a', ['c2']), []);
    assert.deepEqual(await store.streams.renewClaims('owner b', ['c2']), ['c2']);
    await store.streams.markAnnounced(['c2']);
    assert.deepEqual(await store.streams.renewClaims('owner b', ['c2']), []);
  });

  it('are taken again by an owner whose lease ran out with nobody else in sight', async () => {
    assert.deepEqual(await store.streams.renewClaims('owner a', ['never seen', 'nor this']), [
      'never seen',
      'nor this',
    ]);
  });

  it('give way to a mark that outlives the live set by days', async () => {
    const a = await TestPoll.open(store, NOON);
    await a.announce({ streams: [stream('c3', 'u3')] });
    const days = (await store.connection.pttl(store.keys.mark('c3'))) / 86_400_000;
    assert.ok(days > 6, `the mark lives for ${days} days`);
  });
});

describe('a page that is staged again', () => {
  const store = storeForEach();

  it('keeps what an earlier attempt saw before its worker died', async () => {
    const { ref } = await TestPoll.open(store, NOON);
    const at = { batch: 0, page: 0 };
    const first = await store.streams.stagePage(ref, at, 'user', [stream('p1', 'u1'), stream('p2', 'u2')]);
    const again = await store.streams.stagePage(ref, at, 'user', [stream('p2', 'u2'), stream('p3', 'u3')], true);
    assert.deepEqual(
      [first, again],
      [
        { streams: 2, unseen: 2 },
        { streams: 3, unseen: 3 },
      ],
    );
    const [kept] = await store.streams.readPages(ref, [{ ...at, streams: 3 }]);
    assert.deepEqual(kept && ids(kept), ['p1', 'p2', 'p3']);
    const ended = await store.streams.stagePage(ref, at, 'user', [], true);
    assert.equal(ended.streams, 3, 'also when the stream is over by now');
  });
});
