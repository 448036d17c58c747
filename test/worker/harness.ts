import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../../sandbox/services/process.ts';
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
  stderr = '';
  #stdout = '';

  constructor(env: NodeJS.ProcessEnv) {
    // An empty folder, so that no .env of the working copy is read.
    const cwd = mkdtempSync(join(tmpdir(), 'stream-poller-worker-'));
    this.child = spawn(process.execPath, [ENTRY], {
      cwd,
      env: plainEnvironment({
        TEMPORAL_CONFIG_FILE: '/dev/null',
        HTTP_PORT: '0',
        ...env,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.#stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code) => {
        rmSync(cwd, { recursive: true, force: true });
        resolve(code);
      });
    });
  }

  get log(): LogLine[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  get output(): string {
    return this.#stdout + this.stderr;
  }

  /** Asks one of its HTTP endpoints; waits for the server to listen. */
  async probe(path: string): Promise<Probe> {
    const url = await eventually(() => this.log.find((line) => line.url)?.url ?? false, {
      message: `the HTTP server listens\n${this.output}`,
    });
    const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5_000) });
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
