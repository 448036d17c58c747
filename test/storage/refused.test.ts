import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyStores, MINUTE, NOON } from './support.ts';

describe('targets that Twitch refuses', () => {
  const emptyStore = emptyStores();

  const no = (id: string) => ({ id, reason: 'malformed' });
  async function watched(...ids: string[]) {
    const { targets } = emptyStore();
    await targets.add('user', ids, NOON);
    return targets;
  }

  it('are left out until the time of the next try, which doubles from ten minutes to a day', async () => {
    const targets = await watched('1', 'abc');
    let nowMs = NOON;
    const waits: number[] = [];
    for (let tries = 1; tries <= 10; tries++) {
      await targets.refused.note('user', [no('abc')], [], nowMs);
      // A second attempt of the same activity changes nothing.
      await targets.refused.note('user', [no('abc')], [], nowMs + 1);
      const [known] = await targets.refused.list('user');
      assert.ok(known);
      assert.deepEqual([known.id, known.reason, known.sinceMs, known.tries], ['abc', 'malformed', NOON, tries]);
      waits.push((known.retryAtMs - nowMs) / MINUTE);
      const before = await targets.refused.sift('user', ['1', 'abc'], known.retryAtMs - 1);
      assert.deepEqual(before, { polled: ['1'], triedAgain: [] });
      nowMs = known.retryAtMs;
      assert.deepEqual(await targets.refused.sift('user', ['1', 'abc'], nowMs), { polled: ['1'], triedAgain: ['abc'] });
    }
    assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]);
  });

  it('are forgotten when Twitch accepts them, when they are removed, and when they are added again', async () => {
    const targets = await watched('a', 'b', 'c');
    await targets.refused.note('user', [no('a'), no('b'), no('c')], [], NOON);
    await targets.refused.note('user', [], ['a'], NOON);
    await targets.remove('user', ['b']);
    await targets.add('user', ['c'], NOON);
    assert.deepEqual(await targets.refused.list('user'), []);
    await targets.refused.note('user', [no('b')], [], NOON);
    assert.equal(await targets.refused.count('user'), 0, 'removed while its poll ran');
  });

  it('are remembered up to a bound, and few are tried at once', async () => {
    const ids = Array.from({ length: 10_100 }, (_, i) => `x${i}`);
    const targets = await watched(...ids);
    for (let at = 0; at < ids.length; at += 5_050) {
      await targets.refused.note('user', ids.slice(at, at + 5_050).map(no), [], NOON);
    }
    assert.equal(await targets.refused.count('user'), 10_000);
    const { polled, triedAgain } = await targets.refused.sift('user', ids.slice(0, 2_000), NOON + 11 * MINUTE);
    assert.deepEqual([polled.length, triedAgain.length], [0, 20]);
  });
});
