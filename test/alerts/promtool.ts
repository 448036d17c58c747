import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOrInstall } from '../../sandbox/services/install.ts';
import { findCommand } from '../../sandbox/services/process.ts';

/** Runs promtool: the one on PATH, or of Debian's package of Prometheus. @returns what it printed, however it ended */
export async function promtool(args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  const advice = 'the tests of alert rules need promtool: install Prometheus 2.42 or later, so that it is on PATH';
  const path = await findOrInstall(() => findCommand('promtool'), { packageName: 'prometheus', advice }, {});
  try {
    const { stdout, stderr } = await promisify(execFile)(path, args);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, output: stdout + stderr };
  }
}
