import { StringDecoder } from 'node:string_decoder';

/** A line longer than that is no line of ids: it is cut, so that a file without line ends does not fill the memory. */
export const LONGEST_LINE = 4_096;

/** Lines of a stream, with the bytes read so far. */
export interface LineBlock {
  lines: string[];
  /** Bytes of the stream that have been read. */
  bytes: number;
}

/**
 * Cuts a stream of bytes into lines (LF, CRLF or CR), a block of them for each chunk read, in bounded memory. Bytes that
 * are not UTF-8 become U+FFFD.
 *
 * @throws Error when the stream is UTF-16, as PowerShell 5 writes files
 */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<LineBlock> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let bytes = 0;
  for await (const chunk of input) {
    if (bytes === 0 && /^(fffe|feff)/.test(chunk.toString('hex', 0, 2))) {
      throw new Error('the file is UTF-16; save it as UTF-8 and try again');
    }
    bytes += chunk.length;
    const lines = (rest + decoder.write(chunk)).split(/\r\n|\n|\r(?!\n|$)/);
    // Cut, but a little longer than what is accepted: so it is seen to be too long.
    rest = truncate(lines.pop() ?? '');
    yield { lines: lines.map(truncate), bytes };
  }
  rest += decoder.end();
  if (rest !== '') yield { lines: [rest.replace(/\r$/, '')], bytes };
}

function truncate(line: string): string {
  // A carriage return at the end may be half of a line end.
  return line.length > LONGEST_LINE ? line.slice(0, LONGEST_LINE) + (line.endsWith('\r') ? '\r' : '') : line;
}
