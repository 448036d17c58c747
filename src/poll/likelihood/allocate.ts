import type { Lag } from './lag.ts';

/** Targets that are asked for equally often. */
export interface Share {
  /** Requests that ask for all of them once. */
  requests: number;
  /** Go-lives of all of them, in any unit of time. */
  goLives: number;
  /** From one request for a target to the next, at least and at most. */
  leastSeconds: number;
  mostSeconds: number;
}

/** A part in a billion is nothing: of the budget, or of the go-lives, which a share has at least. */
const NEGLIGIBLE = 1e-9;
const STEPS = 100;

/**
 * The periods with the least mean lag. A request is worth the go-lives that it asks for times what it lowers their lag; where
 * none is worth more than another, nothing is left to be gained (without sweeps that is the square root rule of Cho and
 * Garcia-Molina, "Effective page refresh policies for Web crawlers", 2003). The worth is searched for that uses up the budget.
 *
 * @param shares some of which have go-lives @param perSecond requests that may be sent
 * @returns the seconds between two requests for the same target, for each share; undefined if the budget is less than what the
 *   longest periods take
 */
export function allocate(shares: readonly Share[], perSecond: number, lag: Lag): number[] | undefined {
  const fewest = NEGLIGIBLE * goLivesOf(shares);
  const periods = (worth: number) =>
    shares.map(({ requests, goLives, leastSeconds, mostSeconds }) => {
      const period = lag.periodFor((worth * requests) / Math.max(goLives, fewest));
      return Math.min(mostSeconds, Math.max(leastSeconds, period));
    });
  const used = (all: readonly number[]) => all.reduce((sum, period, i) => sum + (shares[i]?.requests ?? 0) / period, 0);
  if (used(shares.map(({ mostSeconds }) => mostSeconds)) > perSecond * (1 + NEGLIGIBLE)) return undefined;
  let [low, high] = [-80, 80];
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2;
    if (used(periods(2 ** middle)) > perSecond) low = middle;
    else high = middle;
  }
  return periods(2 ** high);
}

/** The mean lag over all go-lives; 0 if there are none. */
export function meanLag(shares: readonly Share[], periods: readonly number[], lag: Lag): number {
  const goLives = goLivesOf(shares);
  if (goLives === 0) return 0;
  return shares.reduce((sum, share, i) => sum + share.goLives * lag.mean(periods[i] as number), 0) / goLives;
}

function goLivesOf(shares: readonly Share[]): number {
  return shares.reduce((sum, { goLives }) => sum + goLives, 0);
}
