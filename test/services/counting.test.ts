import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Results } from '../support/runner.ts';

/** The runner refuses to run inside a test, which it recognises by the variable that is left out. */
function count(fixtures: string[], settings: NodeJS.ProcessEnv = {}): Results {
  const { NODE_TEST_CONTEXT: _, ...env } = { ...process.env, ...settings };
  const script = join(import.meta.dirname, 'fixtures', 'counting', 'run.ts');
  const { stdout } = spawnSync(process.execPath, [script, ...fixtures], { env, encoding: 'utf8' });
  return JSON.parse(stdout);
}

test('tests are counted, suites are not; todo counts as skipped', () => {
  const { summary, ok, failures } = count(['mixed']);
  assert.equal(summary, '5 passed, 2 failed, 2 skipped');
  assert.equal(ok, false);
  assert.match(failures[0]?.title ?? '', /mixed\.fixture\.ts:5 {2}fails$/);
  assert.match(failures[0]?.message ?? '', /^one is not two/);
  assert.equal(failures[1]?.message, 'first line\nsecond line');
});

test('a file that cannot be loaded is a failure, and says why', () => {
  const { summary, failures } = count(['crash']);
  assert.equal(summary, '0 passed, 1 failed');
  assert.match(failures[0]?.message ?? '', /this file cannot be loaded/);
});

test('a clean-up that fails is a failure, though every test passed', () => {
  assert.equal(count(['hook']).summary, '1 passed, 1 failed');
});

test('a file without a single test is not a success', () => {
  const { summary, failures } = count(['empty']);
  assert.equal(summary, '0 passed, 1 failed');
  assert.match(failures[0]?.message ?? '', /holds no test/);
});

test('results that a busy runner takes in late are counted all the same', () => {
  // Around what the pipe between the two holds (some 220 KB on Linux) the end of the results is lost most easily.
  for (const many of [20, 66, 67, 68, 69, 70]) {
    const { summary } = count(['many'], { BUSY_MS: '1500', MANY: String(many) });
    assert.equal(summary, `${many} passed, 0 failed`);
  }
});

test('a file that ends before its last word is a failure, whatever its exit code', () => {
  const { summary, failures } = count(['silent']);
  assert.match(summary, /1 failed$/);
  assert.match(failures[0]?.message ?? '', /ended before all of its results had arrived/);
});

test('a file that does not end is a failure, and the others are counted', () => {
  const { summary, failures } = count(['endless', 'mixed'], { FILE_TIMEOUT_MS: '3000' });
  assert.equal(summary, '6 passed, 3 failed, 2 skipped');
  const file = failures.find(({ title }) => title.includes('endless'));
  assert.match(file?.message ?? '', /did not end within 3 s/);
});
