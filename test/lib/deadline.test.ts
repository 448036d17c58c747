import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../../src/lib/deadline.ts';

const never = new Promise<never>(() => {});

test('a wait ends with its work, its time or its signal, whichever is first', async () => {
  const { signal } = new AbortController();
  const aborted = AbortSignal.abort(new Error('stopped'));
  assert.equal(await within(1_000, Promise.resolve(1), { signal }), 1);
  assert.equal(await within(undefined, Promise.resolve(2)), 2);
  await assert.rejects(within(1_000, Promise.reject(new Error('failed'))), /^Error: failed$/);
  await assert.rejects(within(20, never, { signal }), /^Error: no answer within 0.02 s$/);
  await assert.rejects(within(20, never, { late: 'too late' }), /^Error: too late$/);
  await assert.rejects(within(undefined, never, { signal: aborted }), /^Error: stopped$/);
  await assert.rejects(within(1_000, never, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
});

test('work that fails when nobody waits for it any more does no harm', async () => {
  const work = Promise.withResolvers<never>();
  await assert.rejects(within(1, work.promise));
  work.reject(new Error('late'));
  await new Promise(setImmediate);
});
