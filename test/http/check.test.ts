import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CheckResult, cachedCheck } from '../../src/http/check.ts';

const ok: CheckResult = { ok: true, detail: 'there' };

function clock() {
  let ms = 0;
  return { now: () => ms, advance: (by: number) => (ms += by) };
}

test('an answer is given again for a moment, then asked for anew', async () => {
  const { now, advance } = clock();
  let calls = 0;
  const check = cachedCheck(() => ({ ok: true, detail: String(++calls) }), { maxAgeMs: 1_000, now });
  assert.equal((await check()).detail, '1');
  advance(999);
  assert.equal((await check()).detail, '1');
  advance(1);
  assert.equal((await check()).detail, '2');
});

test('a bad answer is kept no longer than a good one', async () => {
  const { now, advance } = clock();
  const results: CheckResult[] = [{ ok: false, detail: 'away' }, ok];
  const check = cachedCheck(() => results.shift() as CheckResult, { maxAgeMs: 1_000, now });
  assert.equal((await check()).ok, false);
  advance(1_000);
  assert.equal((await check()).ok, true);
});

test('probes that come together share one check', async () => {
  let calls = 0;
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const check = cachedCheck(() => {
    calls += 1;
    return promise;
  });
  const probes = [check(), check(), check()];
  resolve(ok);
  assert.deepEqual(await Promise.all(probes), [ok, ok, ok]);
  assert.equal(calls, 1);
});

test('a check that throws or rejects is not ok, and says why', async () => {
  const throwing = cachedCheck(() => {
    throw new Error('no such thing');
  });
  const rejecting = cachedCheck(() => Promise.reject(new Error('refused')));
  assert.deepEqual(await throwing(), { ok: false, detail: 'no such thing' });
  assert.deepEqual(await rejecting(), { ok: false, detail: 'refused' });
});

test('a late check is reported in time, not started again while it runs, and believed when it answers', async () => {
  let calls = 0;
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const check = cachedCheck(
    () => {
      calls += 1;
      return promise;
    },
    { timeoutMs: 20, maxAgeMs: 60_000 },
  );
  assert.deepEqual(await check(), { ok: false, detail: 'no answer within 0.02 s' });
  assert.deepEqual(await check(), { ok: false, detail: 'no answer within 0.02 s' });
  assert.equal(calls, 1);
  resolve(ok);
  assert.deepEqual(await check(), ok);
});
