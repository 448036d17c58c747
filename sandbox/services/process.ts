import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { startTime } from '../../scripts/background.mjs';

/** A service's operating system process, with all that it started in turn. */
export interface ManagedProcess {
  readonly pid: number;
  /** Settles when the process has ended, however it ended. */
  readonly exited: Promise<void>;
  readonly running: boolean;
  /** Asks it to end (SIGTERM), and after 20 s ends it by force. */
  stop(): Promise<void>;
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay open and nobody answers. */
  pause(): void;
  resume(): void;
}

export interface ProcessOptions {
  /** Short and unique within `dir`: names the log and the record of the process. */
  name: string;
  /** Where the log (`<name>.log`) and the record (`<name>.pid`) are kept. */
  dir: string;
  command: string;
  args: readonly string[];
  /** The whole environment; nothing is inherited. See {@link plainEnvironment}. */
  env: NodeJS.ProcessEnv;
  /** Default: `dir`. */
  cwd?: string;
}

/** More than the slowest takes that is asked to end: a broker, a worker with requests in hand. */
const GRACE_MS = 20_000;

/**
 * Watches over one process group from outside: it ends the group when its standard input closes without a word, which
 * happens when our process dies in any way at all, SIGKILL included.
 */
const KEEPER = `trap '' HUP INT TERM
IFS= read -r line && exit 0
kill -s TERM -- "-$1" 2>/dev/null
kill -s CONT -- "-$1" 2>/dev/null
i=0
while [ $i -lt 80 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$1" 2>/dev/null`;

/**
 * Starts a process in a group of its own, so that Ctrl-C reaches us alone and we choose the order in which things stop.
 * It does not outlive us, and a record in `dir` lets {@link reapStale} find it should that ever fail.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const { name, dir, command, args, env } = options;
  mkdirSync(dir, { recursive: true });
  const log = openSync(logFile(dir, name), 'a');
  const child = spawn(command, args, { cwd: options.cwd ?? dir, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const pid = child.pid as number;
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'keeper', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without these the process would die of an error nobody can act on: the keeper only matters when we are gone.
  keeper.on('error', () => {});
  keeper.stdin?.on('error', () => {});

  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      signalGroup(pid, 'SIGKILL');
      keeper.stdin?.end('done\n');
      rmSync(recordFile(dir, name), { force: true });
      resolve();
    });
  });
  const startedAt = startTime(pid);
  if (alive(child)) {
    const record: ProcessRecord = { pid, startedAt, owner: process.pid, ownerStartedAt: startTime(process.pid) };
    writeFileSync(recordFile(dir, name), JSON.stringify(record));
    if (!alive(child)) rmSync(recordFile(dir, name), { force: true });
  }

  return {
    pid,
    exited,
    get running() {
      return alive(child);
    },
    async stop() {
      if (!alive(child)) return;
      // To the process alone: a server stops its own helpers in the order that it needs.
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      if (!alive(child)) return;
      signalGroup(pid, 'SIGKILL');
      await exited;
    },
    pause: () => signalGroup(pid, 'SIGSTOP'),
    resume: () => signalGroup(pid, 'SIGCONT'),
  };
}

/** Runs a program to its end. The error of a failed one carries the last lines of what it printed. */
export function command(file: string, args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n');
      const reason = error.killed && timeoutMs > 0 ? `took longer than ${timeoutMs / 1000} s` : `failed`;
      reject(new Error(`${file} ${args.join(' ')} ${reason}:\n${output}`, { cause: error }));
    });
  });
}

/** The file that a process started under this name writes its output to. */
export function logFile(dir: string, name: string): string {
  return join(dir, `${name}.log`);
}

/** The environment for a service: what programs need to run at all, and none of the settings in the caller's shell. */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    ...extra,
  };
}

/** Where package managers and installers put programs, and a PATH often does not lead. */
const PROGRAM_DIRS = [
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
  '/usr/local/go/bin',
  '/usr/lib/erlang/bin',
];

/** The full path of a program: on PATH, or in a folder of `LOCAL_PROGRAM_DIRS` (a list like PATH; default: the usual ones). */
export function findCommand(name: string): string | undefined {
  const others = process.env.LOCAL_PROGRAM_DIRS?.split(delimiter) ?? PROGRAM_DIRS;
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...others]) {
    if (folder === '') continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return undefined;
}

/** Thrown when another live process already runs its services in the same folder. */
export class FolderInUseError extends Error {
  readonly owner: number;

  constructor(dir: string, owner: number) {
    super(`${dir} is in use by process ${owner}; stop that one first`);
    this.name = 'FolderInUseError';
    this.owner = owner;
  }
}

interface ProcessRecord {
  pid: number;
  startedAt: string;
  owner: number;
  ownerStartedAt: string;
}

/**
 * Ends what an earlier run left behind under `name` in `dir`. A process id alone proves nothing, ids are reused: the
 * process must also have been started at the recorded moment.
 *
 * @throws FolderInUseError when the run that started it is still alive
 */
export async function reapStale(dir: string, name: string): Promise<void> {
  const file = recordFile(dir, name);
  if (!existsSync(file)) return;
  let record: ProcessRecord;
  try {
    record = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Cut off while it was written: there is nothing to learn from it.
    rmSync(file, { force: true });
    return;
  }
  if (startTime(record.pid) === record.startedAt) {
    if (startTime(record.owner) === record.ownerStartedAt) throw new FolderInUseError(dir, record.owner);
    signalGroup(record.pid, 'SIGKILL');
  }
  rmSync(file, { force: true });
}

function recordFile(dir: string, name: string): string {
  return join(dir, `${name}.pid`);
}

function alive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
