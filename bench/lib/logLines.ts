import { createLogger } from '../../src/lib/log.ts';

/** A line of a worker that logs at `debug`: what was held back is there too, with `limited`. */
export interface LogLine {
  level: number;
  /** RFC 3339. */
  time: string;
  msg: string;
  limited?: 'info' | 'warn' | 'error';
  [field: string]: unknown;
}

const INFO = 30;
const WARN = 40;
const HOUR_MS = 3_600_000;

export function readLines(text: string): LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** The one line that each poll makes. */
export function isPoll({ msg }: LogLine): boolean {
  return msg === 'poll ended';
}

/** Says that something is over: it belongs to what was wrong before. */
export function isOver({ msg }: LogLine): boolean {
  return msg.startsWith('over, ');
}

/** Lines that are written at `info`. */
export function written(lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ level }) => level >= INFO);
}

/** Each time that something was worth a warning, whether it was written or held back. */
export function struck(lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ level, limited }) => level >= WARN || limited === 'warn' || limited === 'error');
}

/**
 * What a worker would write in an hour of the same, besides its polls: the recorded lines again and again, through the logger
 * itself by a clock that runs ahead.
 */
export function anHourOf(lines: readonly LogLine[], seconds: number): string[] {
  const messages: string[] = [];
  const start = Date.parse(lines[0]?.time ?? '');
  let nowMs = 0;
  const logger = createLogger('info', {
    to: { write: (line) => void messages.push((JSON.parse(line) as LogLine).msg) },
    now: () => nowMs,
  });
  for (let fromMs = 0; fromMs < HOUR_MS; fromMs += seconds * 1_000) {
    for (const { level, time, msg, limited, component, repeated: _, ...fields } of lines) {
      nowMs = fromMs + Date.parse(time) - start;
      if (level < INFO && !limited) continue;
      logger.child(component ? { component } : {})[limited ?? levelName(level)](fields, msg);
    }
  }
  return messages;
}

function levelName(level: number): 'info' | 'warn' | 'error' {
  return level > WARN ? 'error' : level === WARN ? 'warn' : 'info';
}
