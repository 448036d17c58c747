/**
 * Which streams a poll has read: taken from the pages that workers stage in the store, as the bytes pass the proxy in
 * front of it. A page that is staged again (a retried request) counts as it was staged last.
 */
export class Staged {
  readonly #pages = new Map<string, string[]>();
  readonly #parsers = new WeakMap<object, CommandParser>();
  #newest: string[] = [];

  /** Feeds what one connection sends to the store. */
  feed(connection: object, chunk: Buffer): void {
    const parser = this.#parsers.get(connection) ?? new CommandParser();
    this.#parsers.set(connection, parser);
    this.#newest = [];
    for (const [name, key, value] of parser.feed(chunk)) {
      if (name?.toLowerCase() !== 'set' || !key?.startsWith(PAGE_PREFIX) || value === undefined) continue;
      this.#pages.set(
        key,
        (JSON.parse(value) as { id: string }[]).map(({ id }) => id),
      );
      this.#newest.push(key);
    }
  }

  /** The pages of the newest chunk do not get to the store after all. */
  forgetNewest(): void {
    for (const key of this.#newest) this.#pages.delete(key);
  }

  /** For each stream, the ids of the polls that have read it. */
  readBy(): Map<string, Set<string>> {
    const polls = new Map<string, Set<string>>();
    for (const [key, ids] of this.#pages) {
      // A poll's id holds colons itself: batch and page are the last two parts.
      const pollId = key.slice(PAGE_PREFIX.length).split(':').slice(0, -2).join(':');
      for (const id of ids) polls.set(id, (polls.get(id) ?? new Set()).add(pollId));
    }
    return polls;
  }
}

const PAGE_PREFIX = '{stream-poller}:page:';

/** Cuts a stream of RESP commands (arrays of bulk strings) into words, however the chunks fall. */
class CommandParser {
  #rest: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): string[][] {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const commands: string[][] = [];
    for (;;) {
      const parsed = this.#next();
      if (!parsed) return commands;
      commands.push(parsed.words);
      this.#rest = this.#rest.subarray(parsed.length);
    }
  }

  #next(): { words: string[]; length: number } | undefined {
    const line = (at: number) => {
      const end = this.#rest.indexOf('\r\n', at);
      return end < 0 ? undefined : { number: Number(this.#rest.toString('latin1', at + 1, end)), next: end + 2 };
    };
    const head = line(0);
    if (!head) return undefined;
    const words: string[] = [];
    let at = head.next;
    for (let i = 0; i < head.number; i++) {
      const size = line(at);
      if (!size || this.#rest.length < size.next + size.number + 2) return undefined;
      words.push(this.#rest.toString('utf8', size.next, size.next + size.number));
      at = size.next + size.number + 2;
    }
    return { words, length: at };
  }
}
