import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnpolledRange } from '../../src/poll/unpolled.ts';
import { twitchCheck } from '../../src/worker/checks/services.ts';
import { targetsCheck } from '../../src/worker/checks/targets.ts';

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

test('targets that no poll reaches for ten intervals are told, and no longer than they are missed', async () => {
  const start = 1_000_000_000;
  let now = start;
  let unpolled: UnpolledRange[] = [];
  const check = targetsCheck({ readUnpolled: async () => unpolled }, { intervalSeconds: 120 }, () => now);
  assert.deepEqual(await check(), { ok: true, detail: 'all are reached' });
  const range = { kind: 'user' as const, sinceMs: 0, missedMs: start };
  unpolled = [
    { ...range, first: '10', last: '19', targets: 100 },
    { ...range, first: '30', last: '39', targets: 37, missedMs: start + 60_000 },
  ];
  now = start + 1_199_000;
  assert.equal((await check()).ok, true, 'the next poll may mend it');
  now = start + 25 * 60_000;
  const { ok, detail } = await check();
  assert.equal(ok, false);
  assert.match(detail ?? '', /^137 not reached by any poll for up to 25 min, such as user 10 to 19: .* status/);
  unpolled = [];
  assert.equal((await check()).ok, true);
});
