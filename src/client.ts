import { run } from './cli/program.ts';
import { loadDotEnv } from './config/env.ts';

/** Everything is closed by then; a connection that does not notice must not keep a finished command open. */
const LINGER_MS = 2_000;

// `… | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

loadDotEnv();
process.exitCode = await run(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER_MS).unref();
