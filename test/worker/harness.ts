import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../../sandbox/services/process.ts';
import { type Program, startProgram, temporaryFolder } from '../support/program.ts';
import { eventually } from '../support/services.ts';

const ENTRY = fileURLToPath(new URL('../../src/worker.ts', import.meta.url));

export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

export interface Probe {
  status: number;
  body: Record<string, unknown>;
  text: string;
}

/** A worker process: the real entry, started as `npm run worker` does, with nothing of the shell's settings. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly #program: Program;

  constructor(env: NodeJS.ProcessEnv) {
    this.#program = startProgram(process.execPath, [ENTRY], {
      // An empty folder, so that no .env of the working copy is read.
      cwd: temporaryFolder(),
      env: plainEnvironment({ TEMPORAL_CONFIG_FILE: '/dev/null', HTTP_PORT: '0', ...env }),
    });
    this.child = this.#program.child;
    this.exited = this.#program.exited;
  }

  get log(): LogLine[] {
    const lines = this.#program.stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  get stderr(): string {
    return this.#program.stderr;
  }

  get output(): string {
    return this.#program.output;
  }

  /** Asks one of its HTTP endpoints; waits for the server to listen. */
  async probe(path: string, options: RequestInit = {}): Promise<Probe> {
    const url = await eventually(() => this.log.find((line) => line.url)?.url ?? false, {
      message: `the HTTP server listens\n${this.output}`,
    });
    const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5_000), ...options });
    const text = await answer.text();
    return { status: answer.status, body: JSON.parse(text), text };
  }

  /** Waits until /readyz says yes. */
  async ready(timeoutMs = 20_000): Promise<Probe> {
    return this.#readyz(200, /ready/, timeoutMs);
  }

  /** Waits until /readyz says no and names what the pattern looks for. */
  async notReady(pattern: RegExp, timeoutMs = 10_000): Promise<Probe> {
    return this.#readyz(503, pattern, timeoutMs);
  }

  async #readyz(status: number, pattern: RegExp, timeoutMs: number): Promise<Probe> {
    let last: Probe | undefined;
    try {
      return await eventually(
        async () => {
          last = await this.probe('/readyz');
          if (last.status !== status || !pattern.test(last.text)) throw new Error('not yet');
          return last;
        },
        { timeoutMs, intervalMs: 100 },
      );
    } catch (error) {
      throw new Error(`/readyz never said ${status} ${pattern}; last: ${last?.text}\n${this.output.slice(-3_000)}`, {
        cause: error,
      });
    }
  }

  /** Ends it if it still runs. */
  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }
}
