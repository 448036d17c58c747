// Set-up work that must not be lost with the command that began it: `npm ci`, a build, the system's package manager.
// Plain JavaScript without dependencies: bootstrap.mjs needs it before there are any, and on old versions of Node.
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * @typedef {object} Work
 * @property {string} name what it is, in words: `npm ci`
 * @property {string} file without an ending: `<file>.log` takes the output, `<file>.json` says which process is at it
 * @property {string} command
 * @property {string[]} args
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {() => boolean} isDone whether there is nothing left to do; asked before and after, not in between
 * @property {(line: string) => void} [onLine] told each line of the output, from its beginning
 * @property {(elapsedMs: number) => void} [onTick] told now and then for how long the work has been going on
 * @property {AbortSignal} [signal] ends the waiting, and not the work
 */

/** @typedef {{ pid: number, startedAt: string, sinceMs: number }} WorkRecord */

const LOOK_EVERY_MS = 250;

/** @type {Map<string, string>} */
const left = new Map();

/**
 * Does work that outlives whoever asked for it: it runs in a session of its own, and who asks for the same work
 * meanwhile, in any process, joins it instead of starting it twice. Resolves when it is done.
 *
 * @param {Work} work
 * @throws with the last lines of its output when it ends and is not done; when the signal ends the waiting
 */
export async function runInBackground(work) {
  mkdirSync(dirname(work.file), { recursive: true });
  for (;;) {
    const joined = readRecord(work.file);
    if (!joined && work.isDone()) return;
    const record = joined ?? begin(work);
    // Somebody else was quicker.
    if (!record) continue;
    await follow(work, record);
    if (work.isDone()) return;
    // Somebody else's attempt may have been stopped, or was for something else: ours is the one that counts.
    if (!joined) throw new Error(`${work.name} failed:\n${lastLines(logOf(work.file))}`);
  }
}

/** One line for each work that this process no longer waits for and that goes on. */
export function whatGoesOn() {
  return [...left.values()];
}

/** @param {string} file */
function logOf(file) {
  return `${file}.log`;
}

/** @param {string} file */
function recordOf(file) {
  return `${file}.json`;
}

/**
 * @param {Work} work
 * @returns {WorkRecord | undefined} undefined when another process has begun it
 */
function begin(work) {
  const draft = `${work.file}.${process.pid}`;
  const record = recordOf(work.file);
  const own = { pid: process.pid, startedAt: startTime(process.pid), sinceMs: Date.now() };
  writeFileSync(draft, JSON.stringify(own));
  try {
    // Whole from the first moment on, and only one can do it.
    linkSync(draft, record);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return undefined;
    throw error;
  } finally {
    rmSync(draft);
  }
  const log = openSync(logOf(work.file), 'w');
  const child = spawn(work.command, work.args, {
    cwd: work.cwd,
    env: work.env ?? process.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  // Told below, where somebody reads it.
  child.on('error', () => {});
  if (!child.pid) writeFileSync(logOf(work.file), `${work.command} could not be started\n`);
  child.unref();
  const started = { ...own, pid: child.pid ?? 0, startedAt: child.pid ? startTime(child.pid) : '' };
  writeFileSync(draft, JSON.stringify(started));
  renameSync(draft, record);
  return started;
}

/**
 * Who is at work; undefined when nobody is. The record of a process that is gone is removed.
 *
 * @param {string} file
 * @returns {WorkRecord | undefined}
 */
function readRecord(file) {
  const path = recordOf(file);
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const record = parse(text);
  if (record && isAlive(record)) return record;
  // Another process may have removed it and begun by now: what is taken away must be what was read.
  const taken = `${file}.${process.pid}`;
  try {
    renameSync(path, taken);
    if (readFileSync(taken, 'utf8') !== text) linkSync(taken, path);
  } catch {
    // Somebody else has just done the same.
  }
  rmSync(taken, { force: true });
  return undefined;
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {string} text @returns {WorkRecord | undefined} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    // A full disk cut it off: nobody can be found by it.
    return undefined;
  }
}

/**
 * @param {Work} work
 * @param {WorkRecord} record
 */
async function follow(work, record) {
  const { name, file, signal, onLine, onTick } = work;
  const reader = lineReader(logOf(file));
  for (;;) {
    // Read anew each time: at first it names the process that begins the work, then the one that does it.
    const now = readRecord(file);
    // After the look: what it wrote last is read, too.
    for (const line of reader()) onLine?.(line);
    if (now?.sinceMs !== record.sinceMs) break;
    onTick?.(Date.now() - record.sinceMs);
    if (signal?.aborted) {
      const stop = `log: ${logOf(file)}; to stop it: kill -- -${now.pid}`;
      left.set(file, `${name} goes on in the background, and the next start joins it (${stop})`);
      throw new Error(`stopped waiting for ${name}`);
    }
    await new Promise((resolve) => {
      const timer = setTimeout(wake, LOOK_EVERY_MS);
      function wake() {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve(undefined);
      }
      signal?.addEventListener('abort', wake);
    });
  }
}

/**
 * @param {string} path
 * @returns {() => string[]} the whole lines that have been added since the last call
 */
function lineReader(path) {
  let offset = 0;
  let rest = '';
  return () => {
    if (!existsSync(path)) return [];
    const descriptor = openSync(path, 'r');
    try {
      const size = fstatSync(descriptor).size;
      const chunk = Buffer.alloc(Math.max(0, size - offset));
      offset += readSync(descriptor, chunk, 0, chunk.length, offset);
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      return lines;
    } finally {
      closeSync(descriptor);
    }
  };
}

/**
 * The last lines of a log, for an error message; a missing log gives an empty text.
 *
 * @param {string} path
 */
export function lastLines(path, count = 15) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(-count).join('\n') : '';
}

/** @param {WorkRecord} record */
function isAlive({ pid, startedAt }) {
  return startedAt !== '' && startTime(pid) === startedAt;
}

/**
 * A text that differs between two processes that had the same id; empty when there is none, or one that has ended and
 * that nobody has taken notice of.
 *
 * @param {number} pid
 */
export function startTime(pid) {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name of the program, in brackets, may hold spaces: fields are counted from behind it. The 3rd and 22nd are meant.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? '' : (fields[19] ?? '');
    }
    const args = ['-o', 'stat=,lstart=', '-p', String(pid)];
    const output = execFileSync('ps', args, { env: { ...process.env, LC_ALL: 'C' }, encoding: 'utf8' }).trim();
    return output.startsWith('Z') ? '' : output.slice(output.indexOf(' ') + 1).trim();
  } catch {
    // Neither way finds a process that is gone, which is an answer.
    return '';
  }
}
