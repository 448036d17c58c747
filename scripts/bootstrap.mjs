// Runs a TypeScript entry point on a machine that may have neither the dependencies nor a recent Node:
//   node scripts/bootstrap.mjs <entry.ts> [arguments…]
// Plain JavaScript without dependencies, since it runs before there are any and on old versions of Node.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInBackground, whatGoesOn } from './background.mjs';

/** From this major version on, Node runs TypeScript as it is. */
const NEEDED_MAJOR = 24;
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
const SAY_EVERY_MS = 15_000;

/**
 * Why the dependencies must be installed; undefined when they need not be. What was installed is compared with
 * package-lock.json by content: a checkout changes dates, not packages.
 *
 * @param {string} root the folder of package.json
 * @param {boolean} development whether development dependencies are needed as well
 * @returns {string | undefined}
 */
export function whyInstall(root, development) {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'the dependencies are not installed';
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional ones are missing on platforms that they are not for.
    if (path === '' || entry.optional || entry.devOptional || (entry.dev && !development)) continue;
    const present = installed[path];
    if (!present || present.version !== entry.version || present.integrity !== entry.integrity) {
      return 'the installed dependencies differ from package-lock.json';
    }
  }
  return undefined;
}

/** @param {string} file @returns {Record<string, {version?: string, integrity?: string, dev?: boolean, optional?: boolean, devOptional?: boolean}>} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}

/**
 * The Node that runs the entry: this one when it is recent enough, else the one among the dependencies.
 *
 * @param {string} root
 * @param {string} version of the running Node, such as `v24.1.0`
 * @param {string} execPath of the running Node
 * @returns {string | undefined} undefined when there is none
 */
export function chooseNode(root, version, execPath) {
  if (Number.parseInt(version.slice(1), 10) >= NEEDED_MAJOR) return execPath;
  const own = join(root, 'node_modules', '.bin', 'node');
  return existsSync(own) ? own : undefined;
}

/**
 * Goes on when it is interrupted, and is joined by whoever needs the same: two at once in one folder would spoil it.
 *
 * @param {string} root
 * @param {boolean} development
 * @param {string} reason
 */
async function install(root, development, reason) {
  const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);
  say(`Setting up: ${reason}; running npm ci`);
  // Under npm the variable names the very npm that runs us; without it, the one on PATH.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, own] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  let saidAt = 0;
  try {
    await runInBackground({
      name: 'npm ci',
      file: join(root, '.local', 'setup', 'npm-ci'),
      command,
      args: [...own, ...args],
      cwd: root,
      isDone: () => whyInstall(root, development) === undefined,
      onTick: (elapsedMs) => {
        if (elapsedMs - saidAt < SAY_EVERY_MS) return;
        saidAt = elapsedMs;
        say(`  npm ci: ${Math.round(elapsedMs / 1000)} s so far`);
      },
      signal: stopping.signal,
    });
  } catch (error) {
    if (stopping.signal.aborted) {
      for (const line of whatGoesOn()) say(`\n${line}`);
      process.exit(130);
    }
    say(`\n${/** @type {Error} */ (error).message}\n`);
    say(`Check that the package registry can be reached (npm ping), then run "npm ci" in ${root} and start again.`);
    process.exit(1);
  }
  for (const signal of SIGNALS) process.off(signal, stop);
}

/**
 * @param {string} node
 * @param {string[]} args
 */
function run(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' });
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  let forwardedAt = 0;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole process group, and npm then sends it on to us once more: the child has it.
      if (signal === 'SIGINT' && onTerminal) return;
      // Outside a terminal the same repeats reach us together; a person's second signal comes later.
      if (Date.now() - forwardedAt < 500) return;
      forwardedAt = Date.now();
      child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`${node} could not be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    // Ends the way the child did, so that a shell sees the same.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

async function main() {
  const [entry, ...args] = process.argv.slice(2);
  if (!entry) {
    process.stderr.write('usage: node scripts/bootstrap.mjs <entry.ts> [arguments…]\n');
    process.exit(2);
  }
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
  const isRecent = Number.parseInt(process.version.slice(1), 10) >= NEEDED_MAJOR;
  // An old Node needs the recent one, which is a development dependency.
  const development = !entry.startsWith('src/') || !isRecent;
  const reason = whyInstall(root, development);
  if (reason) await install(root, development, reason);
  const node = chooseNode(root, process.version, process.execPath);
  if (!node) {
    process.stderr.write(
      `Node ${NEEDED_MAJOR} or newer is needed; this is ${process.version}, and the one that npm installs is missing\n` +
        '(was npm told to ignore scripts?). Run "npm rebuild node", or install it from https://nodejs.org.\n',
    );
    process.exit(1);
  }
  run(node, [join(root, entry), ...args]);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
