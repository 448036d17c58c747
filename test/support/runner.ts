import { join, relative } from 'node:path';
import { type EventData, run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Failure {
  title: string;
  message: string;
}

export interface Results {
  /** Whether tests have passed and none has failed. */
  ok: boolean;
  /** `N passed, N failed`, and `, N skipped` when some were. */
  summary: string;
  passed: number;
  skipped: number;
  failures: Failure[];
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

/**
 * Runs test files, each in a process of its own, and writes what happens as it happens. Node counts what passed and was
 * skipped; suites are no tests. A file that has told no sum of its results may have had more to tell, or holds no test:
 * Node counts it as a test that passed, and here it is a failure.
 */
export async function runTests(options: RunOptions): Promise<Results> {
  const { files, output, concurrency, testTimeoutMs, fileTimeoutMs } = options;
  const execArgv = ['--test-force-exit', '--import', join(import.meta.dirname, 'fileProcess.ts')];
  const env = { ...process.env, TEST_FILE_TIMEOUT_MS: String(fileTimeoutMs) };
  const events = run({ files: [...files], concurrency, timeout: testTimeoutMs, execArgv, env });

  const failures: Failure[] = [];
  const unended = new Set(files);
  const stderr = new Map<string, string>();
  let counts: EventData.TestSummary['counts'] | undefined;
  events.on('test:stderr', ({ file, message }) => {
    stderr.set(file, ((stderr.get(file) ?? '') + message).slice(-4_000));
  });
  events.on('test:fail', ({ name, file = '', line, todo, details: { error } }) => {
    if (name === file) unended.delete(file);
    // A suite fails with its tests, which are told by themselves.
    const isTold = (error as { failureType?: string }).failureType === 'subtestsFailed';
    if (todo !== undefined || isTold) return;
    const reason = error.cause instanceof Error ? error.cause.message : String(error.cause ?? error.message);
    if (name !== file) failures.push(describeFailure(file, `:${line}  ${name}`, reason));
    else failures.push(describeFile(file, `${reason}\n${stderr.get(file) ?? ''}`));
  });
  events.on('test:summary', (summary) => {
    if (summary.file === undefined) counts = summary.counts;
    else unended.delete(summary.file);
  });
  for await (const text of events.compose(new spec())) output.write(text);

  for (const file of unended) {
    failures.push(describeFile(file, 'the file ended before all of its results had arrived, or holds no test'));
  }
  const passed = (counts?.passed ?? 0) - unended.size;
  const skipped = (counts?.skipped ?? 0) + (counts?.todo ?? 0);
  return resultsOf(passed, skipped, failures);
}

/** The results of several runs as one. */
export function together(results: readonly Results[]): Results {
  const sum = (of: 'passed' | 'skipped') => results.reduce((total, each) => total + each[of], 0);
  return resultsOf(
    sum('passed'),
    sum('skipped'),
    results.flatMap(({ failures }) => failures),
  );
}

function resultsOf(passed: number, skipped: number, failures: Failure[]): Results {
  const summary = `${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return { ok: failures.length === 0 && passed > 0, summary, passed, skipped, failures };
}

function describeFile(file: string, reason: string): Failure {
  return describeFailure(file, '  (the file itself)', reason);
}

function describeFailure(file: string, what: string, reason: string): Failure {
  const message = reason.trim().split('\n').slice(0, 8).join('\n');
  return { title: `${relative(process.cwd(), file)}${what}`, message };
}
