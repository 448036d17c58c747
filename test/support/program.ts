import { type ChildProcess, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, removed when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-poller-test-'));
  folders.push(folder);
  return folder;
}

/** A process, and what it has printed. */
export interface Program {
  child: ChildProcess;
  stdout: string;
  stderr: string;
  /** Both, the errors last. */
  readonly output: string;
  /** Its exit code, once all that it printed is here; null when a signal ended it. */
  exited: Promise<number | null>;
}

/** Starts a process. Its standard input is `input`, or with `null` stays open. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio,
  input: string | null = '',
): Program {
  const child = spawn(command, args, options);
  const { promise: exited, resolve, reject } = Promise.withResolvers<number | null>();
  const program = {
    child,
    stdout: '',
    stderr: '',
    get output() {
      return program.stdout + program.stderr;
    },
    exited,
  };
  child.stdout.setEncoding('utf8').on('data', (text) => (program.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (program.stderr += text));
  // A command that fails early does not read its input to the end.
  child.stdin.on('error', () => undefined);
  if (input !== null) child.stdin.end(input);
  child.once('error', reject).once('close', resolve);
  return program;
}
