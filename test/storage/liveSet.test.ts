import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ids, liveEntry, liveUsers, MINUTE, NOON, storeForEach, stream, TestPoll } from './support.ts';

describe('the live set and the marks', () => {
  const store = storeForEach();
  const poll = (minute: number, options = {}) =>
    TestPoll.open(store, NOON + minute * MINUTE, minute === 0 ? 0 : NOON + (minute - 1) * MINUTE, options);

  it('announces a stream once, and its changes of title, game and login never', async () => {
    const shown = stream('s1', 'u1');
    assert.deepEqual(ids(await (await poll(0)).announce({ streams: [shown] })), ['s1']);
    const changed = { ...shown, title: 'other', gameId: 'other', userLogin: 'renamed' };
    assert.deepEqual(await (await poll(1)).announce({ streams: [changed] }), []);
    const entry = await liveEntry(store, 'u1');
    assert.deepEqual([entry.title, entry.gameId, entry.userLogin], ['other', 'other', 'renamed']);
  });

  it('does not announce a stream again that was off for days, and announces a new stream of the user', async () => {
    await (await poll(0)).announce({ streams: [stream('s1', 'u1')] });
    for (const minute of [1, 2, 3]) await (await poll(minute)).announce({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), []);
    assert.deepEqual(await (await poll(4)).announce({ streams: [stream('s1', 'u1')] }), []);
    assert.deepEqual(ids(await (await poll(5)).announce({ streams: [stream('s2', 'u1', NOON + 5 * MINUTE)] })), ['s2']);
  });

  it('keeps a stream through one miss and lets it go after the second complete poll without it', async () => {
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
    await (await poll(0)).announce({ streams: [stream('s1', 'u1')] });
    const retried = await poll(1);
    for (let i = 0; i < 5; i++) await retried.diff({ complete: { users: ['u1'] } }, 'same owner');
    assert.deepEqual(await liveUsers(store), ['u1']);
  });

  it('counts no miss for a stream that the same poll or a later one has seen', async () => {
    const early = await poll(0, { offlineAfterMisses: 1 });
    const late = await poll(1, { offlineAfterMisses: 1 });
    await late.announce({ streams: [stream('s1', 'u1')] });
    await early.diff({ complete: { users: ['u1'] } });
    await late.diff({ complete: { users: ['u1'] } });
    assert.deepEqual(await liveUsers(store), ['u1']);
  });

  it('does not let a slow poll put back the stream before the present one', async () => {
    const slow = await poll(0);
    const fast = await poll(1);
    await fast.announce({ streams: [stream('s2', 'u1', NOON + MINUTE)] });
    assert.deepEqual(ids(await slow.announce({ streams: [stream('s1', 'u1')] })), ['s1']);
    assert.equal((await liveEntry(store, 'u1')).streamId, 's2');
  });

  it('takes a stream that a user target and a game target show for one event', async () => {
    const both = await poll(0);
    const byUser = await both.announce({ kind: 'user', streams: [stream('s1', 'u1')] });
    const byGame = await both.announce({ kind: 'game', streams: [stream('s1', 'u1')] });
    assert.deepEqual([byUser.length, byGame.length], [1, 0]);
  });

  it('claims a stream once that a user target and a game target show in the same diff', async () => {
    const many = Array.from({ length: 60 }, (_, i) => stream(`s${i}`, `u${i}`));
    const diff = await (await poll(0)).diff({
      streams: [...many, ...many.map((one) => ({ ...one, kind: 'game' as const }))],
    });
    assert.ok(!diff.lost);
    assert.deepEqual(ids(diff.events), ids(many));
  });

  it('ends a stream that only a game showed when the game no longer shows it, not one that its user target shows', async () => {
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
