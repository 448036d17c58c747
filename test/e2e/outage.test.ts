import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { passes, type Result } from '../../bench/lib/results.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');

/** Longer than a claim's lease, with several polls and go-lives in each. */
it('a broker that is away for long: polls keep their interval, no claim runs out, everything arrives once', {
  timeout: 300_000,
}, async () => {
  const args = [join(root, 'bench', 'run.ts'), 'outage', '--quick', '--json'];
  const { stdout } = await run(process.execPath, args, { cwd: root, timeout: 290_000 });
  const [result] = JSON.parse(stdout) as [Result];
  const judged = result.rows.filter(({ bar }) => bar);
  assert.ok(judged.length >= 7);
  for (const row of judged) assert.ok(passes(row), `${row.name}: ${row.value}, bar ${JSON.stringify(row.bar)}`);
  const value = (name: string) => result.rows.find((row) => row.name === name)?.value ?? 0;
  assert.ok(value('streams that Twitch has shown') >= 60);
  assert.ok(value('polls during the outage') >= 12);
});
