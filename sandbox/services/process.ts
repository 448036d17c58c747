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
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A service's operating system process, with all that it started in turn. */
export interface ManagedProcess {
  readonly pid: number;
  /** Settles when the process has ended, however it ended. */
  readonly exited: Promise<void>;
  readonly running: boolean;
  /** Asks it to end (SIGTERM); after `graceMs` (default 10 s) ends it by force. */
  stop(graceMs?: number): Promise<void>;
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
  const startedAt = await startTime(pid);
  if (alive(child)) {
    const record: ProcessRecord = { pid, startedAt, owner: process.pid, ownerStartedAt: await ownStartTime() };
    writeFileSync(recordFile(dir, name), JSON.stringify(record));
    if (!alive(child)) rmSync(recordFile(dir, name), { force: true });
  }

  return {
    pid,
    exited,
    get running() {
      return alive(child);
    },
    async stop(graceMs = 10_000) {
      if (!alive(child)) return;
      // To the process alone: a server stops its own helpers in the order that it needs.
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
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

/** The file that a process started under this name writes its output to. */
export function logFile(dir: string, name: string): string {
  return join(dir, `${name}.log`);
}

/** The last lines of a log, for an error message; a missing log gives an empty text. */
export function tailLog(file: string, lines = 15): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/** The environment for a service: what programs need to run at all, and none of the settings in the caller's shell. */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    ...extra,
  };
}

/** The full path of a program: on PATH, or in one of `alsoIn`. */
export function findCommand(name: string, alsoIn: readonly string[] = []): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...alsoIn]) {
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
  if ((await startTime(record.pid)) === record.startedAt) {
    if ((await startTime(record.owner)) === record.ownerStartedAt) throw new FolderInUseError(dir, record.owner);
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

/** A text that differs between two processes that had the same id; empty when there is no such process. */
export async function startTime(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The name of the program, in brackets, may hold spaces: fields are counted from behind it. The 22nd is meant.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    }
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { ...process.env, LC_ALL: 'C' } });
    return stdout.trim();
  } catch {
    // Neither way finds a process that is gone, which is an answer.
    return '';
  }
}

let own: Promise<string> | undefined;

function ownStartTime(): Promise<string> {
  own ??= startTime(process.pid);
  return own;
}
