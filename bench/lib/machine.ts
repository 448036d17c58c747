import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

export interface Versions {
  temporalServer: string;
  store: string;
  rabbitmq: string;
}

/** Where and with what a result was measured. */
export interface Environment {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  temporalSdk: string;
  /** Short hash; with `+` when the working copy differed from it. */
  commit: string;
}

export function describeEnvironment(root: string): Environment {
  const sdk = JSON.parse(readFileSync(join(root, 'node_modules', '@temporalio', 'worker', 'package.json'), 'utf8'));
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}`,
    node: process.version,
    temporalSdk: sdk.version,
    commit: commitOf(root),
  };
}

function commitOf(root: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'package-lock.json') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    // An archive instead of a checkout.
    return 'unknown';
  }
}
