import assert from 'node:assert/strict';
import { test } from 'node:test';
import { twitchCheck } from '../../src/worker/checks.ts';

test('the token is asked for until there is one, but not with every probe', async () => {
  let now = 0;
  let asked = 0;
  let status: ReturnType<Parameters<typeof twitchCheck>[0]['tokenStatus']> = { state: 'none' };
  const twitch = {
    tokenStatus: () => status,
    prepareToken: async () => {
      asked += 1;
    },
  };
  const check = twitchCheck(twitch, () => now);
  assert.equal((await check()).ok, false);
  status = { state: 'failed', detail: 'set TWITCH_CLIENT_SECRET' };
  assert.deepEqual(await check(), { ok: false, detail: 'set TWITCH_CLIENT_SECRET' });
  assert.equal(asked, 1);
  now += 10_001;
  await check();
  assert.equal(asked, 2);
  status = { state: 'ok', expiresAt: '2030-01-01T00:00:00.000Z' };
  assert.deepEqual(await check(), { ok: true, detail: 'token valid until 2030-01-01T00:00:00.000Z' });
  status = { state: 'none' };
  assert.equal((await check()).ok, true, 'a token that is being replaced is no outage');
});
