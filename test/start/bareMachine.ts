import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../../sandbox/services/ports.ts';
import { processesOf } from '../support/processes.ts';
import { eventually } from '../support/services.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** A machine on which some programs are missing: what runs on it sees them only when a stand-in has made them appear. */
export interface BareMachine {
  /** The only folder on its PATH, with every program of this machine but the missing ones. */
  readonly bin: string;
  /** Puts a shell script on PATH. */
  standIn(name: string, script: string): void;
  /** `npm start` in a checkout of its own, beside those that were started before. */
  start(): Promise<RunningStart>;
}

export interface RunningStart {
  /** All that it has printed. */
  output(): string;
  /** Resolves when it has printed something like this. @throws when it ends before, or not in time */
  prints(pattern: RegExp, timeoutMs: number): Promise<void>;
  /** Ctrl-C, as a terminal sends it: to the whole process group. Resolves with how long its end took. */
  interrupt(): Promise<number>;
}

/** Makes such a machine, with empty caches. When the test has ended nothing is left of it. */
export function bareMachine(t: TestContext, missing: readonly string[]): BareMachine {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-bare-'));
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const folder of (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/usr/local/bin')) {
    // Not what npm puts there for this run.
    if (!existsSync(folder) || folder.includes('node_modules')) continue;
    for (const name of readdirSync(folder)) {
      if (!missing.includes(name) && !existsSync(join(bin, name))) link(join(folder, name), join(bin, name));
    }
  }
  const env = {
    PATH: bin,
    HOME: dir,
    XDG_CACHE_HOME: join(dir, 'cache'),
    LOCAL_PROGRAM_DIRS: '',
    LANG: process.env.LANG,
    TMPDIR: process.env.TMPDIR,
    // Out of reach, wherever the test runs.
    HTTPS_PROXY: 'http://127.0.0.1:9',
    https_proxy: 'http://127.0.0.1:9',
    NO_UPDATE_NOTIFIER: '1',
  };
  const children: ChildProcess[] = [];
  let checkouts = 0;
  t.after(async () => {
    for (const child of children) signal(child, 'SIGKILL');
    await eventually(() => {
      for (const pid of processesOf(dir)) kill(pid);
      return processesOf(dir).length === 0;
    });
    rmSync(dir, { recursive: true, force: true });
  });

  return {
    bin,
    standIn: (name, script) => writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
    async start() {
      const cwd = checkout(join(dir, `checkout-${checkouts++}`));
      // Starts at the same moment would all find the usual port free.
      const settings = { ...env, HTTP_PORT: String(await freePort()) };
      const child = spawn('npm', ['start'], { cwd, env: settings, detached: true });
      children.push(child);
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
      }
      const exited = new Promise((done) => child.once('exit', done));
      return {
        output: () => text,
        prints: (pattern, timeoutMs) =>
          eventually(
            () => {
              if (pattern.test(text)) return;
              if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${text}`);
              throw new Error(`it printed:\n${text}`);
            },
            { timeoutMs, message: String(pattern) },
          ),
        async interrupt() {
          const startedAt = performance.now();
          signal(child, 'SIGINT');
          await exited;
          return performance.now() - startedAt;
        },
      };
    },
  };
}

/** What a clone holds that `npm start` needs, with the dependencies installed. */
function checkout(dir: string): string {
  mkdirSync(dir);
  for (const name of ['package.json', 'package-lock.json', 'src', 'sandbox', 'scripts']) {
    cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  return dir;
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // A dangling link of that name is there: another folder's program would not have been found either.
  }
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.exitCode === null && child.pid) process.kill(-child.pid, name);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
