import type { StoreConnection } from './dragonfly.ts';
import type { Keys } from './keys.ts';

/** A part of what an installation keeps. */
export class StorePart {
  protected readonly connection: StoreConnection;
  protected readonly keys: Keys;

  constructor(connection: StoreConnection, keys: Keys) {
    this.connection = connection;
    this.keys = keys;
  }

  /**
   * The store's clock, in Unix milliseconds: the one by which everybody says when a target was added and what is past, since
   * the machines of workers and clients may each have another. A command of its own, because scripts get it as an argument.
   */
  async nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.connection.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }
}
