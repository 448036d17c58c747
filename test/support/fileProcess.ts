/**
 * Loaded before each test file, in its process (`--import`): the file has a limit that counts from its own start, and does
 * not end before its results have been written.
 *
 * Node is told to end a file when its tests have ended (`--test-force-exit`), since it may wait for ever for a socket that
 * was reset. It does so without a look at what its standard output still holds, and while the runner is busy that can be
 * the results of whole suites.
 */
const limitMs = Number(process.env.TEST_FILE_TIMEOUT_MS);
const exit = process.exit.bind(process);

if (limitMs > 0) {
  setTimeout(() => {
    process.stderr.write(`this file did not end within ${limitMs / 1_000} s\n`, () => exit(1));
  }, limitMs).unref();
}

process.exit = ((code) => {
  process.exitCode = code ?? process.exitCode ?? 0;
  // Called when all that was written before is out, or when nobody reads any more.
  process.stdout.write('', () => exit());
}) as typeof process.exit;
