import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** What node's test runner reports about one test or suite that has ended. */
export interface EndedTest {
  outcome: 'pass' | 'fail';
  name: string;
  nesting: number;
  file?: string | undefined;
  line?: number | undefined;
  skip?: string | boolean | undefined;
  todo?: string | boolean | undefined;
  type?: string | undefined;
  error?: unknown;
}

export interface Failure {
  title: string;
  message: string;
}

/**
 * Counts tests, and only those that hold no others: suites, and tests with subtests, are folders. One that fails by
 * itself (a hook, its own code after the subtests) is a failure all the same.
 */
export class ResultCounter {
  passed = 0;
  skipped = 0;
  readonly failures: Failure[] = [];
  readonly #lastNesting = new Map<string, number>();
  readonly #stderr = new Map<string, string>();

  /** Keeps what a file printed as an error: all there is to show when it could not even be loaded. */
  addStderr(file: string, text: string): void {
    this.#stderr.set(file, ((this.#stderr.get(file) ?? '') + text).slice(-4_000));
  }

  add(test: EndedTest): void {
    const file = test.file ?? '';
    // Tests end before the one that holds them, so a deeper one just before means that this one holds it.
    const holdsOthers = test.type === 'suite' || this.#lastNesting.get(file) === test.nesting + 1;
    this.#lastNesting.set(file, test.nesting);

    if (test.outcome === 'fail' && test.todo === undefined) {
      if (failureType(test.error) !== 'subtestsFailed')
        this.failures.push(describeFailure(test, this.#stderr.get(file)));
      return;
    }
    // A file without a test passes under its own path, which proves nothing.
    if (holdsOthers || test.name === test.file) return;
    if (test.skip !== undefined || test.todo !== undefined) this.skipped++;
    else this.passed++;
  }

  get ok(): boolean {
    return this.failures.length === 0 && this.passed > 0;
  }

  /** `N passed, N failed`, and `, N skipped` when some were. */
  summary(): string {
    const counts = `${this.passed} passed, ${this.failures.length} failed`;
    return this.skipped > 0 ? `${counts}, ${this.skipped} skipped` : counts;
  }
}

export interface RunOptions {
  files: readonly string[];
  output: NodeJS.WritableStream;
  /** Test files at a time. */
  concurrency: number;
  /** How long one file may take. */
  timeoutMs: number;
}

/** Runs test files, each in a process of its own, and writes what happens as it happens. */
export async function runTests(options: RunOptions): Promise<ResultCounter> {
  const counter = new ResultCounter();
  const { files, output, concurrency, timeoutMs } = options;
  // Node may wait for ever at its end for a socket that was reset: a file ends when its tests have.
  const execArgv = ['--test-force-exit'];
  const events = run({ files, concurrency, timeout: timeoutMs, execArgv });
  for (const outcome of ['pass', 'fail'] as const) {
    events.on(`test:${outcome}`, ({ name, nesting, file, line, skip, todo, details }) => {
      const error = 'error' in details ? details.error : undefined;
      counter.add({ outcome, name, nesting, file, line, skip, todo, type: details.type, error });
    });
  }
  events.on('test:stderr', ({ file, message }) => counter.addStderr(file ?? '', message));
  for await (const text of events.compose(new spec())) output.write(text);
  return counter;
}

function failureType(error: unknown): string | undefined {
  return (error as { failureType?: string } | undefined)?.failureType;
}

function describeFailure(test: EndedTest, stderr = ''): Failure {
  const file = test.file ? relative(process.cwd(), test.file) : '';
  const isFile = test.name === test.file;
  const error = test.error as Error | undefined;
  const cause = error?.cause;
  const reason = cause instanceof Error ? cause.message : String(cause ?? error?.message ?? 'failed');
  return {
    title: `${file}${test.line && !isFile ? `:${test.line}` : ''}  ${isFile ? '(the file itself)' : test.name}`,
    message: `${reason}\n${isFile ? stderr : ''}`.trim().split('\n').slice(0, 8).join('\n'),
  };
}
