import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { command } from './install.ts';
import { findCommand } from './process.ts';

/** The newest version that `go install` accepts: later ones carry a replace directive, which it refuses. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** How long the SDK's download may go without a byte arriving: long enough to connect, short enough to do without. */
const DOWNLOAD_PATIENCE_MS = 15_000;
const DOWNLOAD_LIMIT_MS = 180_000;

/** Where a `temporal` program that we fetched is kept for all checkouts of this user. */
export function temporalCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'stream-poller', 'bin');
}

/**
 * Finds the `temporal` program: on PATH; fetched by an earlier run; else it is fetched now, by the SDK's own download or,
 * where that is out of reach, built by Go.
 *
 * @throws saying what to install when none of this works
 */
export async function findTemporalCli(say: (text: string) => void = () => {}): Promise<string> {
  const onPath = findCommand('temporal', ['/opt/homebrew/bin', '/usr/local/bin']);
  if (onPath) return onPath;
  const dir = temporalCacheDir();
  const cached = join(dir, 'temporal');
  if (existsSync(cached)) return cached;

  mkdirSync(dir, { recursive: true });
  const failures: string[] = [];
  for (const fetchIt of [download, build]) {
    try {
      await fetchIt(dir, say);
      say('');
      if (existsSync(cached)) return cached;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(
    `the Temporal CLI is missing and could not be fetched (${failures.join('; ')}). ` +
      'Install it (https://docs.temporal.io/cli: brew install temporal, or an archive whose "temporal" goes on PATH), ' +
      'or install Go 1.24 or newer and start again, or set TEMPORAL_ADDRESS to a server that runs.',
  );
}

/** Starting a test server is the SDK's only way to its download; it runs in a process of its own because it cannot be cancelled. */
const DOWNLOAD_SCRIPT = `
const { TestWorkflowEnvironment } = await import('@temporalio/testing');
const env = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: process.argv[1] } },
});
await env.teardown();
`;

async function download(dir: string, say: (text: string) => void): Promise<void> {
  say('downloading the Temporal CLI');
  const folder = join(dir, 'download');
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, ['--input-type=module', '-e', DOWNLOAD_SCRIPT, folder], {
    cwd: import.meta.dirname,
    stdio: 'ignore',
  });
  const startedAt = Date.now();
  const watch = setInterval(() => {
    const elapsedMs = Date.now() - startedAt;
    const stuck = elapsedMs > DOWNLOAD_PATIENCE_MS && readdirSync(folder).length === 0;
    if (stuck || elapsedMs > DOWNLOAD_LIMIT_MS) child.kill('SIGKILL');
  }, 500);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('exit', resolve);
  }).finally(() => clearInterval(watch));
  const program = readdirSync(folder).find((name) => name.startsWith('temporal') && !name.endsWith('.downloading'));
  if (code !== 0 || !program) throw new Error('the download is out of reach');
  renameSync(join(folder, program), join(dir, 'temporal'));
}

async function build(dir: string, say: (text: string) => void): Promise<void> {
  const go = findCommand('go', ['/usr/local/go/bin', '/opt/homebrew/bin']);
  if (!go) throw new Error('Go is not installed');
  const startedAt = Date.now();
  const announce = () => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    say(`building the Temporal CLI with Go, once; about 4 minutes on two cores (${seconds} s so far)`);
  };
  announce();
  const timer = setInterval(announce, 30_000);
  try {
    await command(go, ['install', GO_MODULE], { ...process.env, GOBIN: dir }, 20 * 60_000);
  } finally {
    clearInterval(timer);
  }
}
