import { createHash } from 'node:crypto';
import { StorePart } from './part.ts';

/** An answer that was given to a request with an `Idempotency-Key`, or that the request is still being carried out. */
export type KeptReply = { state: 'running' } | { state: 'done'; fingerprint: string; status: number; body: string };

/** How long a request may be carried out: after that another attempt of it begins anew. */
const RUNNING_MS = 5 * 60_000;
const KEPT_MS = 24 * 3_600_000;

/** Answers by their request's `Idempotency-Key`, so that one that is sent again gets the same answer. */
export class Replies extends StorePart {
  /** Takes a key for a request. @returns what is known of it; undefined if it was free */
  async take(key: string): Promise<KeptReply | undefined> {
    const running: KeptReply = { state: 'running' };
    const taken = await this.connection.set(this.#key(key), JSON.stringify(running), 'PX', RUNNING_MS, 'NX');
    if (taken === 'OK') return undefined;
    const earlier = await this.connection.get(this.#key(key));
    // It has run out between the two: whoever asks again finds it free.
    return earlier === null ? running : (JSON.parse(earlier) as KeptReply);
  }

  async keep(key: string, fingerprint: string, status: number, body: string): Promise<void> {
    const done: KeptReply = { state: 'done', fingerprint, status, body };
    await this.connection.set(this.#key(key), JSON.stringify(done), 'PX', KEPT_MS);
  }

  /** Lets a key go whose request has failed: it may be tried again. */
  async release(key: string): Promise<void> {
    await this.connection.del(this.#key(key));
  }

  #key(key: string): string {
    return this.keys.reply(createHash('sha256').update(key).digest('hex'));
  }
}
