import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyStores, MINUTE, NOON } from './support.ts';

const DAY = 24 * 60 * MINUTE;

describe('users that Twitch no longer knows', () => {
  const emptyStore = emptyStores();

  it('are gone when two checks in a row do not find them, an hour apart at least', async () => {
    const { targets } = emptyStore();
    await targets.add('user', ['1', '2', '3'], NOON);
    const check = (atMs: number, ...found: string[]) => targets.gone.note(['1', '2', '3'], new Set(found), atMs);
    const gone = async () => (await targets.gone.list()).map(({ id, sinceMs }) => [id, sinceMs]);
    await check(NOON, '1');
    await check(NOON + MINUTE, '1');
    assert.deepEqual(await gone(), [], 'a second attempt of the same check is no second check');
    await check(NOON + DAY, '1', '3');
    assert.deepEqual(await gone(), [['2', NOON]]);
    await check(NOON + 2 * DAY, '1');
    assert.deepEqual(await gone(), [['2', NOON]], '3 was there in between');
    await check(NOON + 3 * DAY, '1', '2');
    assert.deepEqual(await gone(), [['3', NOON + 2 * DAY]], 'a ban has ended');
    await targets.remove('user', ['3']);
    await check(NOON + 4 * DAY, '1', '2');
    assert.deepEqual(await gone(), []);
  });
});
