import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emptyStore, liveEntry, liveUsers, MINUTE, NOON, openStore, type Store, stream, TestPoll } from './support.ts';

describe('the live set and the marks', () => {
  let opened: Store;
  let store: Store;
  before(async () => {
    opened = await openStore();
  });
  after(() => opened.connection.disconnect());
  const fresh = () => {
    store = emptyStore(opened);
    return store;
  };
  const poll = (minute: number, options = {}) =>
    TestPoll.open(store, NOON + minute * MINUTE, minute === 0 ? 0 : NOON + (minute - 1) * MINUTE, options);
  const ids = (events: { id: string }[]) => events.map((event) => event.id);

  it('announces a stream once, and its changes of title, game and login never', async () => {
    fresh();
    const shown = stream('s1', 'u1');
    assert.deepEqual(ids(await (await poll(0)).announce({ streams: [shown] })), ['s1']);
    const changed = { ...shown, title: 'other', gameId: 'other', userLogin: 'renamed' };
    assert.deepEqual(await (await poll(1)).announce({ streams: [changed] }), []);
    const entry = await liveEntry(store, 'u1');
    assert.deepEqual([entry.title, entry.gameId, entry.userLogin], ['other', 'other', 'renamed']);
  });

  it('does not announce a stream again that was off for days, and announces a new stream of the user', async () => {
    fresh();
    await (await poll(0)).announce({ streams: [stream('s1', 'u1')] });
    for (const minute of [1, 2, 3]) await (await poll(minute)).announce({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), []);
    assert.deepEqual(await (await poll(4)).announce({ streams: [stream('s1', 'u1')] }), []);
    assert.deepEqual(ids(await (await poll(5)).announce({ streams: [stream('s2', 'u1', NOON + 5 * MINUTE)] })), ['s2']);
  });

  it('keeps a stream through one miss and lets it go after the second complete poll without it', async () => {
    fresh();
    await (await poll(0)).announce({ streams: [stream('s1', 'u1')] });
    const first = await (await poll(1)).diff({ complete: { users: ['u1'] } });
    assert.ok(!first.lost && first.ended === 0);
    assert.deepEqual(await liveUsers(store), ['u1']);
    await (await poll(2)).announce({ streams: [stream('s1', 'u1')] });
    await (await poll(3)).announce({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), ['u1'], 'a sight in between starts the count anew');
    const last = await (await poll(4)).diff({ complete: { users: ['u1'] } });
    assert.ok(!last.lost && last.ended === 1);
    assert.deepEqual(await liveUsers(store), []);
  });

  it('counts one miss per poll, however often the diff is retried', async () => {
    fresh();
    await (await poll(0)).announce({ streams: [stream('s1', 'u1')] });
    const retried = await poll(1);
    for (let i = 0; i < 5; i++) await retried.diff({ complete: { users: ['u1'] } }, 'same owner');
    assert.deepEqual(await liveUsers(store), ['u1']);
  });

  it('counts no miss for a stream that the same poll or a later one has seen', async () => {
    fresh();
    const early = await poll(0, { offlineAfterMisses: 1 });
    const late = await poll(1, { offlineAfterMisses: 1 });
    await late.announce({ streams: [stream('s1', 'u1')] });
    await early.diff({ complete: { users: ['u1'] } });
    await late.diff({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), ['u1']);
  });

  it('does not let a slow poll put back the stream before the present one', async () => {
    fresh();
    const slow = await poll(0);
    const fast = await poll(1);
    await fast.announce({ streams: [stream('s2', 'u1', NOON + MINUTE)] });
    assert.deepEqual(ids(await slow.announce({ streams: [stream('s1', 'u1')] })), ['s1']);
    assert.equal((await liveEntry(store, 'u1')).streamId, 's2');
  });

  it('takes a stream that a user target and a game target show for one event', async () => {
    fresh();
    const both = await poll(0);
    const byUser = await both.announce({ kind: 'user', streams: [stream('s1', 'u1')] });
    const byGame = await both.announce({ kind: 'game', streams: [stream('s1', 'u1')] });
    assert.deepEqual([byUser.length, byGame.length], [1, 0]);
  });

  it('claims a stream once that a user target and a game target show in the same diff', async () => {
    fresh();
    const many = Array.from({ length: 60 }, (_, i) => stream(`s${i}`, `u${i}`));
    const diff = await (await poll(0)).diff({
      streams: [...many, ...many.map((one) => ({ ...one, kind: 'game' as const }))],
    });
    assert.ok(!diff.lost);
    assert.deepEqual(ids(diff.events), ids(many));
  });

  it('ends a stream that only a game showed when the game no longer shows it, not one that its user target shows', async () => {
    fresh();
    const first = await poll(0);
    await first.announce({ kind: 'game', streams: [stream('s1', 'u1', NOON, 'g'), stream('s2', 'u2', NOON, 'g')] });
    await first.announce({ kind: 'user', streams: [stream('s2', 'u2', NOON, 'g')] });
    for (const minute of [1, 2]) {
      const next = await poll(minute);
      await next.announce({ complete: { games: ['g'] } });
    }
    assert.deepEqual(await liveUsers(store), ['u2']);
  });

  it('names the reason: started, entered_game, first_sight', async () => {
    fresh();
    await store.targets.add('game', ['g'], NOON - 60 * MINUTE);
    await store.targets.add('user', ['u3'], NOON);
    await TestPoll.open(store, NOON + 29 * MINUTE);
    const next = await poll(30);
    const events = [
      ...(await next.announce({
        kind: 'game',
        streams: [stream('s1', 'u1', NOON + 29 * MINUTE, 'g'), stream('s2', 'u2', NOON, 'g')],
      })),
      ...(await next.announce({ kind: 'user', streams: [stream('s3', 'u3', NOON - MINUTE)] })),
    ];
    assert.deepEqual(
      events.map((event) => [event.id, event.reason]),
      [
        ['s1', 'started'],
        ['s2', 'entered_game'],
        ['s3', 'first_sight'],
      ],
    );
  });

  it('FIRST_SIGHT=silent takes in what started before its target was added, and announces it for an older target', async () => {
    fresh();
    await store.targets.add('user', ['u1'], NOON);
    await store.targets.add('game', ['g'], NOON - 60 * MINUTE);
    const first = await poll(1, { firstSight: 'silent' });
    const old = stream('s1', 'u1', NOON - MINUTE, 'g');
    assert.deepEqual(await first.announce({ kind: 'user', streams: [old] }), []);
    assert.deepEqual(ids(await first.announce({ kind: 'game', streams: [old] })), ['s1']);
    const next = await poll(2, { firstSight: 'silent' });
    assert.deepEqual(ids(await next.announce({ streams: [stream('s2', 'u1', NOON + MINUTE)] })), ['s2']);
  });

  it('removes a target together with what only it showed', async () => {
    fresh();
    await store.targets.add('user', ['u1', 'u2'], NOON);
    await store.targets.add('game', ['g', 'h'], NOON);
    const first = await poll(0);
    await first.announce({ kind: 'user', streams: [stream('s1', 'u1', NOON, 'g'), stream('s2', 'u2', NOON, 'other')] });
    await first.announce({ kind: 'game', streams: [stream('s3', 'u3', NOON, 'g'), stream('s4', 'u4', NOON, 'h')] });
    assert.equal(await store.targets.remove('user', ['u1', 'u2', 'unknown']), 2);
    assert.deepEqual(await liveUsers(store), ['u1', 'u3', 'u4'], 'u1 is still in a watched game');
    assert.equal(await store.targets.remove('game', ['g']), 1);
    assert.deepEqual(await liveUsers(store), ['u4']);
    assert.deepEqual(await store.connection.zrange(store.keys.liveByGame, '0', '-1'), ['h\x1fu4']);
  });

  it('leaves out a stream whose target was removed between its page and its diff, unless another target shows it', async () => {
    fresh();
    const [user, game] = [stream('s1', 'u1', NOON, 'g'), stream('s2', 'u2', NOON, 'h')];
    await store.targets.add('user', ['u1', 'u2'], 0, 0);
    await store.targets.add('game', ['g', 'h'], 0);
    await store.targets.remove('user', ['u1', 'u2']);
    await store.targets.remove('game', ['h']);
    const next = await poll(0);
    assert.deepEqual(await next.announce({ kind: 'user', streams: [user, game], watch: false }), []);
    assert.deepEqual(await next.announce({ kind: 'game', streams: [game], watch: false }), []);
    assert.deepEqual(await liveUsers(store), []);
    assert.equal(await store.targets.countHot(), 0);
    assert.deepEqual(ids(await next.announce({ kind: 'game', streams: [user], watch: false })), ['s1']);
    assert.deepEqual(await liveUsers(store), ['u1']);
    for (const minute of [1, 2]) await (await poll(minute)).announce({ complete: { games: ['g'] } });
    assert.deepEqual(await liveUsers(store), [], 'only the game showed it, so the game can end it');
  });

  it('announces what was claimed before its target was removed, also when the diff is tried again', async () => {
    fresh();
    const first = await poll(0);
    const owner = first.nextOwner();
    const shown = { streams: [stream('s1', 'u1')], watch: false };
    await store.targets.add('user', ['u1'], 0, 0);
    await first.diff(shown, owner);
    await store.targets.remove('user', ['u1']);
    const again = await first.diff(shown, owner);
    assert.ok(!again.lost);
    assert.deepEqual(ids(again.events), ['s1']);
    assert.deepEqual(await store.streams.renewClaims(owner, ['s1']), ['s1']);
    assert.deepEqual(await liveUsers(store), [], 'and yet it is not live again');
    assert.equal(await store.targets.countHot(), 0);
  });

  it('claims no more than fits and goes on with the next diff', async () => {
    fresh();
    const many = Array.from({ length: 1_200 }, (_, i) => stream(`s${i}`, `u${i}`));
    const flood = await poll(0);
    const seen: string[] = [];
    let rest = many;
    let calls = 0;
    while (rest.length > 0) {
      const result = await flood.diff({ streams: rest, complete: { users: ['u0'] } });
      assert.ok(!result.lost);
      assert.ok(JSON.stringify(result.events).length < 50_000);
      seen.push(...ids(result.events));
      rest = rest.slice(result.handled);
      calls += 1;
    }
    assert.ok(calls > 3);
    assert.deepEqual(seen, ids(many));
  });
});

describe('a page that is staged again', () => {
  let store: Store;
  before(async () => {
    store = await openStore();
  });
  after(() => store.connection.disconnect());

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
    assert.deepEqual(
      kept?.map(({ id }) => id),
      ['p1', 'p2', 'p3'],
    );
    const ended = await store.streams.stagePage(ref, at, 'user', [], true);
    assert.equal(ended.streams, 3, 'also when the stream is over by now');
  });
});

describe('claims', () => {
  let store: Store;
  before(async () => {
    store = await openStore();
  });
  after(() => store.connection.disconnect());

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

describe('lost state', () => {
  let opened: Store;
  before(async () => {
    opened = await openStore();
  });
  after(() => opened.connection.disconnect());

  it('does not silence what started in targets that polls had not reached, nor announces the others again', async () => {
    const store = emptyStore(opened);
    const lastPoll = NOON;
    const sinceMs = NOON - 8 * 60 * MINUTE;
    const next = await TestPoll.open(store, lastPoll + MINUTE, lastPoll);
    assert.ok(next.lost);
    await store.streams.noteUnpolledBeforeLoss([
      { kind: 'user', first: '200', last: '299', sinceMs },
      { kind: 'game', first: '7', last: '7', sinceMs },
    ]);
    const hoursAgo = (hours: number) => NOON - hours * 60 * MINUTE;
    const users = [
      stream('known', '199', hoursAgo(2)),
      stream('missed', '200', hoursAgo(2)),
      stream('missed too', '299', hoursAgo(7)),
      stream('known before', '250', hoursAgo(9)),
      stream('known also', '300', hoursAgo(2)),
    ];
    const games = [stream('game', '1', hoursAgo(2), '7'), stream('other game', '2', hoursAgo(2), '8')];
    const announced = await next.announce({ streams: users });
    const inGames = await next.announce({ kind: 'game', streams: games });
    assert.deepEqual(
      [...announced, ...inGames].map(({ id }) => id),
      ['missed', 'missed too', 'game'],
    );
    const later = await TestPoll.open(store, lastPoll + 2 * MINUTE, lastPoll + MINUTE);
    const late = await later.announce({
      streams: [stream('late', '220', hoursAgo(3)), stream('no', '5', hoursAgo(3))],
    });
    assert.deepEqual(
      late.map(({ id }) => id),
      ['late'],
    );
  });

  it('takes a stream for a start in a game that polls had not reached, not for one that entered it', async () => {
    const store = emptyStore(opened);
    const unpolled = [{ kind: 'game' as const, first: '7', last: '7', sinceMs: NOON - 120 * MINUTE }];
    const poll = await TestPoll.open(store, NOON + MINUTE, 0, { lastCompleteMs: NOON, unpolled });
    const found = await poll.announce({
      kind: 'game',
      streams: [
        stream('a', '1', NOON - 60 * MINUTE, '7'),
        stream('b', '2', NOON - 60 * MINUTE, '8'),
        stream('c', '3', NOON - 180 * MINUTE, '7'),
      ],
    });
    assert.deepEqual(
      found.map(({ reason }) => reason),
      ['started', 'entered_game', 'entered_game'],
    );
  });

  it('takes in silently what started well before the last good poll, and announces what is younger', async () => {
    const store = emptyStore(opened);
    const lastPoll = NOON;
    const next = await TestPoll.open(store, NOON + MINUTE, lastPoll);
    assert.ok(next.lost);
    const shown = [stream('old', 'u1', NOON - 60 * MINUTE), stream('young', 'u2', NOON - MINUTE)];
    const events = await next.announce({ streams: shown });
    assert.deepEqual(
      events.map((event) => event.id),
      ['young'],
    );
    const later = await TestPoll.open(store, NOON + 2 * MINUTE, NOON + MINUTE);
    assert.ok(!later.lost, 'it is found once');
    const late = await later.announce({ streams: [stream('old too', 'u3', NOON - 50 * MINUTE), ...shown] });
    assert.deepEqual(late, [], 'a batch that failed in the first poll after the loss does not flood in the second');
  });

  it('is found when an older snapshot came back', async () => {
    const store = emptyStore(opened);
    await TestPoll.open(store, NOON);
    const next = await TestPoll.open(store, NOON + 2 * MINUTE, NOON + MINUTE);
    assert.ok(next.lost);
  });

  it('in the middle of a poll makes its diffs compare nothing', async () => {
    const store = emptyStore(opened);
    const poll = await TestPoll.open(store, NOON);
    await store.connection.del(store.keys.meta);
    assert.deepEqual(await poll.diff({ streams: [stream('s1', 'u1')] }), { lost: true });
    assert.equal(await store.connection.get(store.keys.mark('s1')), null);
  });

  it('does not swallow an event that its owner still has to publish', async () => {
    const store = emptyStore(opened);
    const next = await TestPoll.open(store, NOON + MINUTE, NOON);
    await next.announce({ streams: [stream('pending', 'u1', NOON - 60 * MINUTE)] });
    assert.deepEqual(await store.streams.renewClaims('a delivery from before the loss', ['pending']), ['pending']);
  });

  it('is told again to a retried opening of the same poll', async () => {
    const store = emptyStore(opened);
    const ref = { id: 'p', startedMs: NOON + MINUTE };
    const known = { pollMs: NOON, completeMs: NOON };
    const first = await store.streams.openPoll(ref, known, NOON + MINUTE);
    const again = await store.streams.openPoll(ref, known, NOON + MINUTE);
    assert.deepEqual([first.lost, again.lost], [true, true]);
  });
});
