import { createRequire } from 'node:module';

/** A command is an array of texts, as replies are. */
type Parser = new (handlers: {
  returnReply(command: string[]): void;
  returnError(error: Error): void;
}) => { execute(chunk: Buffer): void };
// It has no types of its own.
const RedisParser: Parser = createRequire(import.meta.url)('redis-parser');

/**
 * Which streams a poll has read: taken from the pages that workers stage in the store, as the bytes pass the proxy in
 * front of it. A page that is staged again (a retried request) counts as it was staged last.
 */
export class Staged {
  readonly #pages = new Map<string, string[]>();
  readonly #parsers = new WeakMap<object, InstanceType<Parser>>();
  #newest: string[] = [];
  readonly #handlers = {
    returnReply: ([name, key, value]: string[]) => {
      if (name?.toLowerCase() !== 'set' || !key?.startsWith(PAGE_PREFIX) || value === undefined) return;
      const page: { id: string }[] = JSON.parse(value);
      this.#pages.set(
        key,
        page.map(({ id }) => id),
      );
      this.#newest.push(key);
    },
    returnError(error: Error) {
      throw error;
    },
  };

  /** Feeds what one connection sends to the store. */
  feed(connection: object, chunk: Buffer): void {
    const parser = this.#parsers.get(connection) ?? new RedisParser(this.#handlers);
    this.#parsers.set(connection, parser);
    this.#newest = [];
    parser.execute(chunk);
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
