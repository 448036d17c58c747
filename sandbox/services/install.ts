import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findCommand } from './process.ts';

type Say = (text: string) => void;

let queue: Promise<unknown> = Promise.resolve();

/** Whether {@link aptInstall} can work here: Debian's package manager, and the right to use it. */
export function canAptInstall(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && findCommand('apt-get') !== undefined;
}

/**
 * Installs a Debian package. One at a time: the package manager has one lock. The package's own service is kept from
 * starting, since what is wanted is the program.
 */
export function aptInstall(packageName: string, say: Say): Promise<void> {
  const installed = queue.then(() => installNow(packageName, say));
  queue = installed.catch(() => {});
  return installed;
}

async function installNow(packageName: string, say: Say): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const waitForLock = ['-o', 'DPkg::Lock::Timeout=300'];
  const policy = '/usr/sbin/policy-rc.d';
  const policyIsOurs = !existsSync(policy);
  try {
    say(`installing Debian's ${packageName}: apt-get update`);
    await command('apt-get', [...waitForLock, 'update', '-qq'], env);
    if (policyIsOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    say(`installing Debian's ${packageName}: apt-get install`);
    await command('apt-get', [...waitForLock, 'install', '-y', '-qq', '--no-install-recommends', packageName], env);
    say('');
  } finally {
    if (policyIsOurs) rmSync(policy, { force: true });
  }
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
