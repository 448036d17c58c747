/** How long to wait from one attempt to the next: twice as long each time, up to `mostMs`. */
export interface Backoff {
  firstMs: number;
  mostMs: number;
  /** Up to this share of a wait is left out by chance, so that many do not come back all at once. Default: none. */
  lessByChance?: number;
}

/** Milliseconds to wait after a failed attempt; the first is number 1. */
export function backoffMs(attempt: number, { firstMs, mostMs, lessByChance = 0 }: Backoff): number {
  return Math.round(Math.min(firstMs * 2 ** (attempt - 1), mostMs) * (1 - lessByChance * Math.random()));
}
