import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { MUTATIONS } from '../mutations/index.ts';

const root = resolve(import.meta.dirname, '../..');

test('every mutation still applies to the sources, and names suites that there are', () => {
  const suites = globSync('test/**/*.test.ts', { cwd: root });
  for (const { name, edits, suites: named } of MUTATIONS) {
    for (const { file, find } of edits) {
      assert.ok(readFileSync(join(root, file), 'utf8').includes(find), `${name}: ${file} does not hold ${find}`);
    }
    for (const suite of named) {
      assert.ok(
        suites.some((path) => path.includes(`test/${suite}`)),
        `${name}: no suite ${suite}`,
      );
    }
  }
  assert.equal(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length);
});
