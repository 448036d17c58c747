import { setTimeout as sleep } from 'node:timers/promises';
import { REQUEST_SPACING_MOST_MS } from '../poll/limits.ts';
import type { RateLimit } from './rate.ts';

/** Below this share of the bucket requests slow down: what is left absorbs bursts and answers that are on their way. */
const RESERVE = 0.1;

/**
 * Slows requests down before the bucket is empty, when another client of the same client id takes points too. Our own
 * limit is kept by the task queue; it leaves the bucket nearly full, so that a bucket below its reserve has another
 * reader. Then requests are spaced out the more, the less is left, until both together take what is refilled.
 */
export class Pace {
  readonly #now: () => number;
  #spacingMs = 0;
  #nextMs = 0;

  /** @param now milliseconds of a clock that nobody sets: one that goes back would hold requests up for as long */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds between two requests at present; 0 while there is enough for all. */
  get spacingMs(): number {
    return this.#spacingMs;
  }

  /** Takes in what an answer said of the bucket. */
  note({ limit, remaining }: RateLimit): void {
    const reserve = limit * RESERVE;
    if (remaining >= reserve) {
      this.#spacingMs = 0;
      this.#nextMs = 0;
      return;
    }
    const refillMs = 60_000 / Math.max(limit, 1);
    this.#spacingMs = Math.min((refillMs * reserve) / Math.max(remaining, 1), REQUEST_SPACING_MOST_MS);
  }

  /** Waits for this request's turn. @throws the signal's reason when it is aborted meanwhile */
  async wait(signal?: AbortSignal): Promise<void> {
    if (this.#spacingMs === 0) return;
    for (;;) {
      const now = this.#now();
      const turnMs = this.#nextMs;
      if (turnMs <= now) {
        this.#nextMs = now + this.#spacingMs;
        return;
      }
      try {
        await sleep(turnMs - now, undefined, signal ? { signal } : {});
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    }
  }
}
