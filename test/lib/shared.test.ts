import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../../src/lib/shared.ts';

test('one reading answers all who ask until it is old', async () => {
  let [reads, nowMs] = [0, 0];
  const ask = shared(
    async () => {
      reads += 1;
      return reads;
    },
    1_000,
    () => nowMs,
  );
  assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
  nowMs = 999;
  assert.equal(await ask(), 1);
  nowMs = 1_000;
  assert.equal(await ask(), 2);
});

test('a reading that failed is not kept', async () => {
  let reads = 0;
  const ask = shared(async () => {
    reads += 1;
    if (reads === 1) throw new Error('away');
    return reads;
  }, 1_000);
  const both = await Promise.allSettled([ask(), ask()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await ask(), 2);
});
