import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pollCheck, twitchCheck } from '../../src/worker/checks.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;
const settings = { POLL_INTERVAL_SECONDS: 30, TWITCH_REQUESTS_PER_MINUTE: 780 };

function polls(startedMs: number, progressMs: number, given: Partial<typeof settings> = {}) {
  return pollCheck({ read: async () => ({ startedMs, progressMs }) }, { ...settings, ...given }, () => NOW);
}

test('before the first poll, readiness says how to begin', async () => {
  assert.deepEqual(await polls(0, 0)(), { ok: false, detail: 'no poll yet: run npm run client -- schedule apply' });
});

test('polls are fine while the last progress is younger than three intervals, and at least 90 s', async () => {
  assert.equal((await polls(NOW, NOW - 89_000)()).ok, true);
  assert.equal((await polls(NOW, NOW - 91_000)()).ok, false);
  assert.equal((await polls(NOW, NOW - 170_000, { POLL_INTERVAL_SECONDS: 60 })()).ok, true);
  assert.equal((await polls(NOW, NOW - 181_000, { POLL_INTERVAL_SECONDS: 60 })()).ok, false);
});

test('a small rate limit gives a long poll the time that it needs between two comparisons', async () => {
  assert.equal((await polls(NOW, NOW - 200_000, { TWITCH_REQUESTS_PER_MINUTE: 10 })()).ok, true);
});

test('a long poll is fine although it began long ago', async () => {
  assert.equal((await polls(NOW - 20 * MINUTE, NOW - 2_000)()).ok, true);
});

test('polls that begin and get nowhere are told from polls that do not begin', async () => {
  assert.match(
    (await polls(NOW - 5_000, NOW - 5 * MINUTE)()).detail,
    /^polls begin, but none has got through for 5 min/,
  );
  assert.match((await polls(NOW - 5_000, 0)()).detail, /^polls begin, but none has got through so far/);
  assert.match(
    (await polls(NOW - 5 * MINUTE, NOW - 5 * MINUTE)()).detail,
    /^no poll has begun for 5 min \(POLL_INTERVAL_SECONDS is 30\)/,
  );
});

test('a store that is away or has come back empty does not make polls look older than they are', async () => {
  const answers = [
    async () => ({ startedMs: NOW, progressMs: NOW }),
    async () => Promise.reject(new Error('away')),
    async () => ({ startedMs: 0, progressMs: 0 }),
  ];
  const check = pollCheck({ read: () => (answers.shift() as (typeof answers)[0])() }, settings, () => NOW);
  for (let i = 0; i < 3; i++) assert.equal((await check()).ok, true);
});

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
