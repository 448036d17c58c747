import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type Bar, passes, type Result } from '../../bench/lib/results.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');

/** Facts, not times: they hold on a machine that is busy with other things. */
const FACTS = ['go-lives not announced', 'announced more than once', 'answers 429', 'activities for one slice'];

describe('npm run bench -- --quick', { timeout: 240_000 }, () => {
  let results: Result[];

  before(async () => {
    const args = [join(root, 'bench', 'run.ts'), 'reaction', 'cost', '--quick', '--json'];
    const { stdout } = await run(process.execPath, args, { cwd: root, timeout: 230_000 });
    results = JSON.parse(stdout);
  });

  it('gives a result for each scenario that was named', () => {
    assert.deepEqual(
      results.map(({ scenario, quick }) => [scenario, quick]),
      [
        ['reaction', true],
        ['cost', true],
      ],
    );
    for (const { environment, versions } of results) {
      assert.ok(Object.values({ ...environment, ...versions }).every(Boolean));
    }
  });

  it('every go-live is announced once, no request is one too many, a quiet poll costs its batches and two activities', () => {
    const facts = results.flatMap(({ rows }) => rows).filter(({ name }) => FACTS.includes(name));
    assert.deepEqual([...new Set(facts.map(({ name }) => name))].sort(), FACTS.toSorted());
    for (const row of facts) assert.ok(passes(row), `${row.name}: ${row.value}, bar ${JSON.stringify(row.bar)}`);
  });

  it('the loop without Temporal finds the same, and a poller without first=100 misses streams', () => {
    const [contenders] = results[0]?.tables ?? [];
    const missed = Object.fromEntries((contenders?.rows ?? []).map(([name, , count]) => [name, count]));
    assert.equal(missed['stream-poller'], 0);
    assert.equal(missed['loop without Temporal'], 0);
    assert.ok(Number(missed['@twurple/api']) > 0);
  });
});

describe('a bar', () => {
  const row = (value: number, bar?: Bar) => passes({ name: '', value, unit: '', ...(bar && { bar }) });

  it('is met at its very value, missed beyond it, and never met by a value that is not there', () => {
    assert.equal(row(50, { most: 50 }), true);
    assert.equal(row(50.1, { most: 50 }), false);
    assert.equal(row(0.97, { least: 0.97 }), true);
    assert.equal(row(0.96, { least: 0.97 }), false);
    assert.equal(row(Number.NaN, { most: 50 }), false);
    assert.equal(row(Number.NaN, { least: 0.97 }), false);
    assert.equal(row(1), undefined);
  });
});
