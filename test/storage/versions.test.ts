import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveEntry, liveUsers, MINUTE, NOON, storeForEach, stream, TestPoll } from './support.ts';

const HOUR = 60 * MINUTE;

describe('polls are ordered by the store, whatever clocks say', () => {
  const store = storeForEach();

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
