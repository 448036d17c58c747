/**
 * `npm run mutations`: breaks the sources on purpose, in a copy, one guard after another, and runs the suites that should
 * notice. Prints which of them did; ends with 1 when a mutation went unnoticed. Arguments choose mutations by a part of
 * their name. The table in docs/reliability.md comes from here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTATIONS } from './index.ts';
import type { Edit } from './mutation.ts';

const root = resolve(import.meta.dirname, '../..');
const wanted = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
if (chosen.length === 0) {
  process.stderr.write(
    `no mutation contains ${wanted.join(', ')}:\n${MUTATIONS.map(({ name }) => `  ${name}\n`).join('')}`,
  );
  process.exit(2);
}

const rows: string[] = [];
for (const mutation of chosen) {
  process.stdout.write(`${mutation.name}\n`);
  const copy = copySources();
  try {
    for (const edit of mutation.edits) apply(copy, edit);
    const noticed: string[] = [];
    const missed: string[] = [];
    for (const suite of mutation.suites) {
      const { failed, lastLine } = runSuite(copy, suite);
      (failed ? noticed : missed).push(suite);
      process.stdout.write(`  ${failed ? 'red  ' : 'green'} ${suite}: ${lastLine}\n`);
    }
    if (noticed.length === 0) process.exitCode = 1;
    rows.push(`| ${mutation.name} | ${list(noticed)} | ${list(missed)} |`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
process.stdout.write(`\n| mutation | went red | stayed green |\n|---|---|---|\n${rows.join('\n')}\n`);

/** What git knows of this folder, as it is now, with the dependencies linked. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'stream-poller-mutation-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of files.toString().split('\0').filter(Boolean)) {
    cpSync(join(root, file), join(copy, file), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function apply(copy: string, { file, find, put }: Edit): void {
  const path = join(copy, file);
  const before = readFileSync(path, 'utf8');
  if (!before.includes(find)) throw new Error(`${file} has changed: it does not hold ${JSON.stringify(find)}`);
  writeFileSync(
    path,
    before.replace(find, () => put),
  );
}

/** Runs a suite in the broken copy. Whether it failed, and its last line, which counts passed and failed tests. */
function runSuite(copy: string, suite: string): { failed: boolean; lastLine: string } {
  const options = { cwd: copy, encoding: 'utf8', maxBuffer: Number.POSITIVE_INFINITY } as const;
  const { status, stdout } = spawnSync('npm', ['test', '--', suite], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { failed: status !== 0, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' };
}

function list(suites: readonly string[]): string {
  return suites.map((suite) => `\`${suite}\``).join(', ') || 'none';
}
