import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mark, runAloud } from './children.ts';

/** Asked by Debian's packages before they start their service. */
const POLICY = '/usr/sbin/policy-rc.d';
/** Ours, also when an earlier one of us was killed before it could remove it. */
const NO_SERVICES = '#!/bin/sh\n# stream-poller: nothing is started while it installs a package\nexit 101\n';
const LOCKED = /Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock directory/;
const LOCK_RETRY_MS = 3_000;

/** Installs a Debian package; its service is kept from starting, since what is wanted is the program. */
export async function installPackage(name: string): Promise<void> {
  mark(`${name}: apt-get update`);
  await apt(['update']);
  mark(`${name}: apt-get install`);
  const ours = !existsSync(POLICY) || readFileSync(POLICY, 'utf8') === NO_SERVICES;
  if (ours) writeFileSync(POLICY, NO_SERVICES, { mode: 0o755 });
  try {
    await apt(['install', '-y', '--no-install-recommends', name]);
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

/**
 * Another package manager may hold the lock for long: a fresh machine upgrades itself. apt-get waits for one of its locks by
 * itself, without end, and gives up at once at the others.
 */
async function apt(args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (;;) {
    try {
      await runAloud('apt-get', ['-o', 'DPkg::Lock::Timeout=-1', ...args], env);
      return;
    } catch (error) {
      if (!LOCKED.test((error as { output?: string }).output ?? '')) throw error;
      await sleep(LOCK_RETRY_MS);
    }
  }
}
