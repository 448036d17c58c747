import { spawn } from 'node:child_process';

/** Begins a line that tells what begins, among the output of other programs. */
export const MARK = '» ';

export function mark(text: string): void {
  process.stdout.write(`${MARK}${text}\n`);
}

/**
 * Runs a program to its end, passes on what it prints, and returns the end of that.
 *
 * @throws when it fails, with the last lines that it printed as `output`
 */
export function runAloud(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      process.stdout.write(text);
      output = (output + text).slice(-8_000);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output);
      reject(Object.assign(new Error(`${file} ${args.join(' ')} failed (${signal ?? code})`), { output }));
    });
  });
}
