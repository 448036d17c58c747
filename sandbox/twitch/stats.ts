import type { Endpoint } from './answer.ts';

export interface Stats {
  /** Answers by endpoint and status; `cut`: broken off, `hang`: never given, `gone`: the client left before it was sent. */
  requests: Partial<Record<Endpoint, Record<string, number>>>;
  /** All requests to `/helix`, also those answered 429. */
  helixRequests: number;
  /** Helix answers with status 429. */
  tooManyRequests: number;
  tokensIssued: number;
  /** The most Helix requests that arrived within any 60 seconds. */
  maxHelixRequestsPer60Seconds: number;
  /** Helix requests by second: [Unix seconds, count], seconds without a request left out; the last six hours. */
  helixPerSecond: [number, number][];
  /** Helix requests by minute: [Unix seconds at its start, count]. */
  helixPerMinute: [number, number][];
}

const WINDOW_MS = 60_000;
const KEPT_SECONDS = 6 * 3600;

export class Recorder {
  readonly #now: () => number;
  readonly #requests: Stats['requests'] = {};
  readonly #perSecond = new Map<number, number>();
  readonly #firstServed = new Map<string, number>();
  #window: number[] = [];
  #windowStart = 0;
  #maxInWindow = 0;
  #helixRequests = 0;
  #tooManyRequests = 0;

  /** @param now the clock, in Unix milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  arrived(): void {
    const nowMs = this.#now();
    this.#helixRequests++;
    this.#window.push(nowMs);
    while ((this.#window[this.#windowStart] ?? nowMs) <= nowMs - WINDOW_MS) this.#windowStart++;
    this.#maxInWindow = Math.max(this.#maxInWindow, this.#window.length - this.#windowStart);
    if (this.#windowStart > 10_000 && this.#windowStart > this.#window.length / 2) {
      this.#window = this.#window.slice(this.#windowStart);
      this.#windowStart = 0;
    }
    const second = Math.floor(nowMs / 1000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
    for (const oldest of this.#perSecond.keys()) {
      if (oldest > second - KEPT_SECONDS) break;
      this.#perSecond.delete(oldest);
    }
  }

  answered(endpoint: Endpoint, status: number | 'cut' | 'hang' | 'gone', helix: boolean): void {
    const byStatus = this.#requests[endpoint] ?? {};
    this.#requests[endpoint] = byStatus;
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (helix && status === 429) this.#tooManyRequests++;
  }

  served(streamId: string): void {
    if (!this.#firstServed.has(streamId)) this.#firstServed.set(streamId, this.#now());
  }

  /** Unix milliseconds at which a whole answer with this stream was first sent. */
  firstServedAtMs(streamId: string): number | undefined {
    return this.#firstServed.get(streamId);
  }

  stats(tokensIssued: number): Stats {
    const perMinute = new Map<number, number>();
    for (const [second, count] of this.#perSecond) {
      const minute = second - (second % 60);
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + count);
    }
    return {
      requests: structuredClone(this.#requests),
      helixRequests: this.#helixRequests,
      tooManyRequests: this.#tooManyRequests,
      tokensIssued,
      maxHelixRequestsPer60Seconds: this.#maxInWindow,
      helixPerSecond: [...this.#perSecond],
      helixPerMinute: [...perMinute],
    };
  }
}
