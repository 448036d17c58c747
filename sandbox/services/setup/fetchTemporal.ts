import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../process.ts';
import { mark, runAloud } from './children.ts';

/** The newest version that `go install` accepts: later ones carry a replace directive, which it refuses. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** How long the SDK's download may go without a byte arriving: long enough to connect, short enough to do without. */
const DOWNLOAD_PATIENCE_MS = 15_000;

/**
 * Fetches the `temporal` program into a folder: by the SDK's own download or, where that is out of reach, built by Go. It
 * appears there whole, under its name, when it is complete.
 *
 * @throws saying why neither works
 */
export async function fetchTemporal(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const failures: string[] = [];
  for (const fetchIt of [download, build]) {
    const folder = mkdtempSync(join(dir, 'new-'));
    try {
      renameSync(await fetchIt(folder), join(dir, 'temporal'));
      return;
    } catch (error) {
      failures.push((error as Error).message);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(failures.join('; '));
}

/** Starting a test server is the SDK's only way to its download; it runs in a process of its own because it cannot be cancelled. */
const DOWNLOAD_SCRIPT = `
const { TestWorkflowEnvironment } = await import('@temporalio/testing');
process.stdout.write('begin');
const env = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: process.argv[1] } },
});
await env.teardown();
`;

async function download(folder: string): Promise<string> {
  mark('downloading');
  const child = spawn(process.execPath, ['--input-type=module', '-e', DOWNLOAD_SCRIPT, folder], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let bytes = 0;
  let grownAt = Number.POSITIVE_INFINITY;
  child.stdout.once('data', () => {
    grownAt = Date.now();
  });
  const watch = setInterval(() => {
    const now = sizeOf(folder);
    if (now > bytes) {
      mark(`${(now / 1e6).toFixed(0)} MB`);
      [bytes, grownAt] = [now, Date.now()];
    }
    if (Date.now() - grownAt > DOWNLOAD_PATIENCE_MS) child.kill('SIGKILL');
  }, 1_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('exit', resolve);
  }).finally(() => clearInterval(watch));
  const program = readdirSync(folder).find((name) => name.startsWith('temporal') && !name.endsWith('.downloading'));
  if (code !== 0 || !program) throw new Error('the download is out of reach');
  return join(folder, program);
}

function sizeOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => {
    return sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** Go keeps the modules it has loaded and the packages it has compiled: an attempt after one that was stopped does the rest. */
async function build(folder: string): Promise<string> {
  const go = findCommand('go');
  if (!go) throw new Error('Go is not installed');
  mark('building');
  await runAloud(go, ['install', '-v', GO_MODULE], { ...process.env, GOBIN: folder });
  return join(folder, 'temporal');
}
