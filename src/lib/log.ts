import { inspect } from 'node:util';
import { type DestinationStream, type Logger, pino } from 'pino';
import { openJson } from './logLines.ts';
import { Repeats } from './repeats.ts';
import { duration } from './words.ts';

export type { Logger };

/** A trouble is over when it has not struck for so long. */
const QUIET_MS = 2 * 60_000;
/** How often it is looked what is over. */
const LOOK_MS = 15_000;
const { info: INFO, fatal: FATAL } = pino.levels.values as { info: number; fatal: number };

export interface LogOptions {
  /** Where lines go. Default: as JSON to standard output. */
  to?: DestinationStream;
  /** Longer than what repeats itself takes from one time to the next. */
  quietMs?: number;
  /** The clock by which repeats are counted. */
  now?: () => number;
}

/**
 * The process's logger: one JSON object a line. Secrets hide themselves (see config/secret.ts). A warning or an error that
 * strikes again and again is told now and then, with a count (`repeated`), and once more when it is over; so is a service that
 * is `back`. At `debug` each time is a line (`limited`: what it would have been).
 */
export function createLogger(level: string, options: LogOptions = {}): Logger {
  const { to = openJson(), quietMs = QUIET_MS, now } = options;
  const repeats = new Repeats(quietMs, now);
  let timer: NodeJS.Timeout | undefined;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        logMethod(args, method, levelNumber) {
          if (levelNumber < INFO || levelNumber >= FATAL) return method.apply(this, args);
          const { fields, message } = partsOf(args);
          if (levelNumber === INFO && fields.back === undefined) return method.apply(this, args);
          timer ??= setInterval(tellEnded, LOOK_MS).unref();
          const { component = '' } = this.bindings();
          const repeated = repeats.struck(`${component} ${fields.activityType ?? ''}`, message, causeOf(fields));
          if (repeated === undefined) this.debug({ ...fields, limited: this.levels.labels[levelNumber] }, message);
          else if (repeated === 0) method.apply(this, args);
          else method.call(this, { ...fields, repeated }, message);
        },
      },
    },
    to,
  );
  const tellEnded = () => {
    for (const { message, times, sinceMs } of repeats.ended()) {
      const since = new Date(sinceMs).toISOString();
      logger.info({ times, since }, `over, for ${duration(quietMs)} there was no more of: ${message}`);
    }
    if (repeats.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return logger;
}

function partsOf([first, second]: readonly unknown[]): { fields: Record<string, unknown>; message: string } {
  if (typeof first === 'string') return { fields: {}, message: first };
  if (first instanceof Error) return { fields: { err: first }, message: String(second ?? first.message) };
  return { fields: { ...(first as object) }, message: String(second ?? '') };
}

/** Why it struck: what a line names beside its message. */
function causeOf({ err, error, reason, problems }: Record<string, unknown>): string {
  const cause = err ?? error ?? reason ?? problems ?? '';
  if (typeof cause === 'string') return cause;
  return String((cause as Partial<Error>).message ?? inspect(cause));
}
