/**
 * Twitch's rate limit: a bucket of `pointsPerMinute` points that refills continuously at `pointsPerMinute` a minute;
 * each request costs one (https://dev.twitch.tv/docs/api/guide/#twitch-rate-limits).
 */
export class TokenBucket {
  readonly pointsPerMinute: number;
  readonly #now: () => number;
  #otherPerMinute = 0;
  #points: number;
  #atMs: number;

  /** @param now the clock, in Unix milliseconds */
  constructor(pointsPerMinute: number, now: () => number = Date.now) {
    this.pointsPerMinute = pointsPerMinute;
    this.#now = now;
    this.#points = pointsPerMinute;
    this.#atMs = now();
  }

  /** Takes one point; false when there is none. */
  take(): boolean {
    this.#refill();
    if (this.#points < 1) return false;
    this.#points -= 1;
    return true;
  }

  /** Takes `points` at once, or all that are left. */
  drain(points: number): void {
    this.#refill();
    this.#points = Math.max(0, this.#points - points);
  }

  /** Another process with the same client id that spends this much all the time. */
  setOtherClient(requestsPerMinute: number): void {
    this.#refill();
    this.#otherPerMinute = requestsPerMinute;
  }

  /** Whole points left. */
  get remaining(): number {
    this.#refill();
    return Math.floor(this.#points);
  }

  headers(): Record<string, string> {
    const remaining = this.remaining;
    const fullInMs = ((this.pointsPerMinute - this.#points) / this.pointsPerMinute) * 60_000;
    return {
      'Ratelimit-Limit': String(this.pointsPerMinute),
      'Ratelimit-Remaining': String(remaining),
      'Ratelimit-Reset': String(Math.ceil((this.#now() + fullInMs) / 1000)),
    };
  }

  #refill(): void {
    const nowMs = this.#now();
    const minutes = Math.max(0, nowMs - this.#atMs) / 60_000;
    const gained = (this.pointsPerMinute - this.#otherPerMinute) * minutes;
    this.#points = Math.max(0, Math.min(this.pointsPerMinute, this.#points + gained));
    this.#atMs = nowMs;
  }
}
