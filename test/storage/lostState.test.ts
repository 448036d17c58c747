import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ids, MINUTE, NOON, storeForEach, stream, TestPoll, takeSnapshot } from './support.ts';

const HOUR = 60 * MINUTE;

describe('lost state', () => {
  const store = storeForEach();

  it('does not suppress what started in targets that polls had not reached, nor announces the others again', async () => {
    const lastPoll = NOON;
    const sinceMs = NOON - 8 * 60 * MINUTE;
    const next = await TestPoll.open(store, lastPoll + MINUTE, lastPoll);
    assert.ok(next.lost);
    await store.polls.noteUnpolledBeforeLoss([
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
    assert.deepEqual(ids([...announced, ...inGames]), ['missed', 'missed too', 'game']);
    const later = await TestPoll.open(store, lastPoll + 2 * MINUTE, lastPoll + MINUTE);
    const late = await later.announce({
      streams: [stream('late', '220', hoursAgo(3)), stream('no', '5', hoursAgo(3))],
    });
    assert.deepEqual(ids(late), ['late']);
  });

  it('takes a stream for a start in a game that polls had not reached, not for one that entered it', async () => {
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

  it('suppresses what started well before the last good poll, and announces what is younger', async () => {
    const lastPoll = NOON;
    const next = await TestPoll.open(store, NOON + MINUTE, lastPoll);
    assert.ok(next.lost);
    const shown = [stream('old', 'u1', NOON - 60 * MINUTE), stream('young', 'u2', NOON - MINUTE)];
    const events = await next.announce({ streams: shown });
    assert.deepEqual(ids(events), ['young']);
    const later = await TestPoll.open(store, NOON + 2 * MINUTE, NOON + MINUTE);
    assert.ok(!later.lost, 'it is found once');
    const late = await later.announce({ streams: [stream('old too', 'u3', NOON - 50 * MINUTE), ...shown] });
    assert.deepEqual(late, [], 'a batch that failed in the first poll after the loss does not flood in the second');
  });

  it('is found when an older snapshot came back', async () => {
    await TestPoll.open(store, NOON);
    const next = await TestPoll.open(store, NOON + 2 * MINUTE, NOON + MINUTE);
    assert.ok(next.lost);
  });

  it('in the middle of a poll makes its diffs compare nothing', async () => {
    const poll = await TestPoll.open(store, NOON);
    await store.connection.del(store.keys.meta);
    assert.deepEqual(await poll.diff({ streams: [stream('s1', 'u1')] }), { lost: true });
    assert.equal(await store.connection.get(store.keys.mark('s1')), null);
  });

  it('does not swallow an event that its owner still has to publish', async () => {
    const next = await TestPoll.open(store, NOON + MINUTE, NOON);
    await next.announce({ streams: [stream('pending', 'u1', NOON - 60 * MINUTE)] });
    assert.deepEqual(await store.streams.renewClaims('a delivery from before the loss', ['pending']), ['pending']);
  });

  it('is told again to a retried opening of the same poll', async () => {
    const ref = { id: 'p', startedMs: NOON + MINUTE };
    const known = { pollMs: NOON, completeMs: NOON };
    const first = await store.polls.open(ref, known, NOON + MINUTE);
    const again = await store.polls.open(ref, known, NOON + MINUTE);
    assert.deepEqual([first.lost, again.lost], [true, true]);
  });
});

describe('a store that came back from a snapshot', () => {
  const store = storeForEach();

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
