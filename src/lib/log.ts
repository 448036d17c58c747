import { type Logger, pino } from 'pino';

export type { Logger };

/** The process's logger: one JSON object a line on standard output. Secrets hide themselves (see config/secret.ts). */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}
