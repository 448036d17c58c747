/**
 * `npm test`: starts Temporal, Redis and RabbitMQ once, runs every `*.test.ts` below `test` against them and prints, as the
 * last line, how many tests passed and failed. Arguments choose files: `npm test -- publisher` runs those whose path
 * contains "publisher".
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Services, startServices } from '../sandbox/services/index.ts';
import { createSteps } from '../sandbox/services/steps.ts';
import { withoutProxyHere } from '../sandbox/services/temporal.ts';
import { whatGoesOn } from '../scripts/background.mjs';
import { sharedEnvironment } from './support/environment.ts';
import { type Results, runTests, together } from './support/runner.ts';

/** Tests wait for services far more than they compute, and the machines that run them have two cores. */
const CONCURRENCY = 2;
/** What spends minutes waiting, for leases and for limits to run out: one at a time beside the others. */
const WAITING = ['start/bareMachine', 'e2e/outage', 'delivery/giveUp', 'delivery/oneDelivery', 'e2e/workersAway'];
const TEST_TIMEOUT_MS = 5 * 60_000;
const FILE_TIMEOUT_MS = 20 * 60_000;

const root = resolve(import.meta.dirname, '..');
process.chdir(root);

const files = globSync('test/**/*.test.ts').sort();
const filters = process.argv.slice(2);
const chosen = files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));

let services: Services | undefined;
let results: Results | undefined;
const dir = mkdtempSync(join(tmpdir(), 'stream-poller-test-run-'));
// Until the services are up: then Ctrl-C ends this process and the files that it runs at once.
const stopping = new AbortController();
const stop = () => stopping.abort(new Error('interrupted'));
process.once('SIGINT', stop);
try {
  if (chosen.length === 0) throw new Error(`no test file matches ${filters.join(' ') || 'test/**/*.test.ts'}`);
  services = await startServices({
    dir,
    steps: createSteps(process.stdout),
    headless: true,
    signal: stopping.signal,
    // Not the variables of the application: a shell that points at real services must not have tests run on them.
    env: {
      TEMPORAL_ADDRESS: process.env.TEST_TEMPORAL_ADDRESS ?? '',
      DRAGONFLY_URL: process.env.TEST_REDIS_URL ?? '',
      RABBITMQ_URL: process.env.TEST_RABBITMQ_URL ?? '',
    },
  });
  stopping.signal.throwIfAborted();
  process.off('SIGINT', stop);
  Object.assign(process.env, sharedEnvironment(services), withoutProxyHere());
  process.stdout.write('\n');
  const { waiting = [], others = [] } = Object.groupBy(chosen, (file) =>
    WAITING.some((name) => file.includes(name)) ? 'waiting' : 'others',
  );
  const runs = [
    { files: waiting, concurrency: 1 },
    { files: others, concurrency: CONCURRENCY },
  ];
  results = together(
    await Promise.all(
      runs
        .filter(({ files }) => files.length > 0)
        .map(({ files, concurrency }) =>
          runTests({
            files: files.map((file) => join(root, file)),
            output: process.stdout,
            concurrency,
            testTimeoutMs: TEST_TIMEOUT_MS,
            fileTimeoutMs: FILE_TIMEOUT_MS,
          }),
        ),
    ),
  );
} catch (error) {
  process.stdout.write(`\n✖ ${(error as Error).message}\n`);
} finally {
  await services?.stop();
}
for (const line of whatGoesOn()) process.stdout.write(`${line}\n`);

if (results && results.failures.length > 0) {
  process.stdout.write(`\nFailed (logs of the services: ${dir}):\n`);
  for (const { title, message } of results.failures) {
    process.stdout.write(`  ✖ ${title}\n${message.replace(/^/gm, '      ')}\n`);
  }
}
const ok = results?.ok ?? false;
if (ok) rmSync(dir, { recursive: true, force: true });
process.stdout.write(`\n${results?.summary ?? '0 passed, 1 failed'}\n`);
process.exitCode = ok ? 0 : 1;
