import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedSet } from '../../src/lib/boundedSet.ts';

test('a bounded set forgets what was added first, and nothing when a member is added again', () => {
  const set = new BoundedSet<string>(2);
  for (const value of ['a', 'b', 'b', 'c']) set.add(value);
  assert.deepEqual([...set], ['b', 'c']);
});
