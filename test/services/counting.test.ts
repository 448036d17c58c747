import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

interface Counted {
  summary: string;
  ok: boolean;
  failures: { title: string; message: string }[];
}

/** The runner refuses to run inside a test, which it recognises by this variable. */
function count(...fixtures: string[]): Counted {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const script = join(import.meta.dirname, 'fixtures', 'counting', 'run.ts');
  const { stdout } = spawnSync(process.execPath, [script, ...fixtures], { env, encoding: 'utf8' });
  return JSON.parse(stdout);
}

test('tests are counted, suites and tests that hold others are not; todo counts as skipped', () => {
  const { summary, ok, failures } = count('mixed');
  assert.equal(summary, '4 passed, 2 failed, 2 skipped');
  assert.equal(ok, false);
  assert.match(failures[0]?.title ?? '', /mixed\.fixture\.ts:5 {2}fails$/);
  assert.match(failures[0]?.message ?? '', /^one is not two/);
  assert.equal(failures[1]?.message, 'first line\nsecond line');
});

test('a file that cannot be loaded is a failure, and says why', () => {
  const { summary, failures } = count('crash');
  assert.equal(summary, '0 passed, 1 failed');
  assert.match(failures[0]?.message ?? '', /this file cannot be loaded/);
});

test('a clean-up that fails is a failure, though every test passed', () => {
  assert.equal(count('hook').summary, '1 passed, 1 failed');
});

test('a run without a single test is not a success', () => {
  const { summary, ok } = count('empty');
  assert.deepEqual([summary, ok], ['0 passed, 0 failed', false]);
});
