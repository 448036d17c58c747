import { isatty } from 'node:tty';
import { type DestinationStream, destination } from 'pino';
import { printable } from './words.ts';

/** How lines look: `auto` is for reading at a terminal, and JSON everywhere else. */
export type LogFormat = 'auto' | 'json' | 'pretty';

const STDOUT = 1;
/** What some readers take for the end of a line, or a terminal for an order, and JSON leaves as it is: C1, separators, directions. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Where lines go: to standard output, at once, so that a process that ends has lost none. Whatever texts of strangers hold, a
 * line stays one line, and no terminal takes orders from it.
 */
export async function openLog(format: LogFormat): Promise<DestinationStream> {
  const atTerminal = isatty(STDOUT);
  if (format === 'json' || (format === 'auto' && !atTerminal)) return openJson();
  // About 20 ms that nobody has to wait for in production.
  const { prettyFactory } = await import('pino-pretty');
  const out = destination({ fd: STDOUT, sync: true });
  const colorize = atTerminal && !process.env.NO_COLOR;
  const pretty = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true });
  return { write: (line) => out.write(pretty(harmless(JSON.parse(line)) as object)) };
}

/** Standard output, as {@link openLog} for JSON. */
export function openJson(): DestinationStream {
  return jsonLines(destination({ fd: STDOUT, sync: true }));
}

/** JSON as pino writes it, with escapes for what JSON allows unescaped. */
export function jsonLines(out: DestinationStream): DestinationStream {
  const escaped = (unsafe: string) => `\\u${unsafe.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return { write: (line) => out.write(line.replace(UNSAFE, escaped)) };
}

/** The same without control characters, but for the lines of a stack. */
function harmless(value: unknown, name?: string): unknown {
  if (typeof value === 'string') {
    return name === 'stack' ? value.split('\n').map(indented).join('\n') : printable(value);
  }
  if (Array.isArray(value)) return value.map((each) => harmless(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [printable(key), harmless(each, key)]));
}

function indented(line: string, i: number): string {
  return `${i > 0 ? '    ' : ''}${printable(line)}`;
}
