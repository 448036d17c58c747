import { join, relative } from 'node:path';
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
  readonly #ended = new Set<string>();
  readonly #failedFiles = new Set<string>();

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
      if (test.name === test.file) this.#failedFiles.add(test.name);
      if (failureType(test.error) !== 'subtestsFailed')
        this.failures.push(describeFailure(test, this.#stderr.get(file)));
      return;
    }
    // A file without a test passes under its own path, which proves nothing.
    if (holdsOthers || test.name === test.file) return;
    if (test.skip !== undefined || test.todo !== undefined) this.skipped++;
    else this.passed++;
  }

  /** Notes that a file has told its last word. */
  addEnd(file: string | undefined): void {
    if (file !== undefined) this.#ended.add(file);
  }

  /** A file whose last word is missing may have had more to tell: that is a failure, unless the file has failed anyway. */
  expectEnds(files: readonly string[]): void {
    for (const file of files) {
      if (this.#ended.has(file) || this.#failedFiles.has(file)) continue;
      const error = new Error('the file ended before all of its results had arrived, or holds no test');
      this.failures.push(describeFailure({ outcome: 'fail', name: file, nesting: 0, file, error }));
    }
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
  /** How long one test may take, from its own start. */
  testTimeoutMs: number;
  /** How long one file may take, from the start of its process. */
  fileTimeoutMs: number;
}

/** Runs test files, each in a process of its own, and writes what happens as it happens. */
export async function runTests(options: RunOptions): Promise<ResultCounter> {
  const counter = new ResultCounter();
  const { files, output, concurrency, testTimeoutMs, fileTimeoutMs } = options;
  const execArgv = ['--test-force-exit', '--import', join(import.meta.dirname, 'fileProcess.ts')];
  const env = { ...process.env, TEST_FILE_TIMEOUT_MS: String(fileTimeoutMs) };
  const events = run({ files: [...files], concurrency, timeout: testTimeoutMs, execArgv, env });
  for (const outcome of ['pass', 'fail'] as const) {
    events.on(`test:${outcome}`, ({ name, nesting, file, line, skip, todo, details }) => {
      const error = 'error' in details ? details.error : undefined;
      counter.add({ outcome, name, nesting, file, line, skip, todo, type: details.type, error });
    });
  }
  events.on('test:stderr', ({ file, message }) => counter.addStderr(file ?? '', message));
  events.on('test:summary', ({ file }) => counter.addEnd(file));
  for await (const text of events.compose(new spec())) output.write(text);
  counter.expectEnds(files);
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
