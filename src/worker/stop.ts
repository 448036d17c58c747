import { within } from '../lib/deadline.ts';
import type { Logger } from '../lib/log.ts';
import { CLOSE_MS, STOP_MS } from '../poll/limits.ts';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** A request to stop: `signal` for what can be aborted, `requested` for what waits. */
export interface Stop {
  signal: AbortSignal;
  requested: Promise<void>;
}

/**
 * The first SIGTERM or SIGINT asks for an orderly stop, which is forced after 15 seconds; the second ends the process at
 * once. Either is safe: Temporal starts again elsewhere what was not finished.
 */
export function stopOnSignals(logger: Logger): Stop {
  const controller = new AbortController();
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        logger.info({ signal: name }, 'second signal: ending at once');
        process.exit(EXIT_CODES[name]);
      }
      logger.info({ signal: name }, 'stopping: what is in hand is finished first; a second signal ends at once');
      setTimeout(() => {
        logger.fatal(`not stopped within ${STOP_MS / 1_000} s: ending by force`);
        process.exit(1);
      }, STOP_MS).unref();
      controller.abort();
      resolve();
    });
  }
  return { signal: controller.signal, requested };
}

/**
 * An error that nobody caught leaves the process in an unknown state, so it ends. Rejections that nobody handles arrive
 * here too. Temporal resumes elsewhere, or here after a restart.
 */
export function exitOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    logger.fatal({ err: error, origin }, 'an error that nobody caught: ending');
    process.exit(1);
  });
}

/** Returns a function that closes one thing: it neither throws nor takes long, so that the others get their turn. */
export function closing(logger: Logger) {
  return async (what: string, close: () => unknown, withinMs = CLOSE_MS): Promise<void> => {
    try {
      await within(withinMs, Promise.resolve().then(close));
    } catch (error) {
      logger.info({ err: error }, `the connection to ${what} was not closed in order: nothing is lost by that`);
    }
  };
}
