import { CLASS_RATES } from './rates.ts';

/** What polls have seen of the users that were in a class at the time. */
export interface SeenOfClass {
  goLives: number;
  /** Users times days. */
  userDays: number;
}

/** What was seen counts half after so many days. */
const HALF_LIFE_DAYS = 28;
/** Go-lives of each class that are taken for granted, at the rates that it is meant for. */
const PRIOR_GO_LIVES = 20;

/** Go-lives a day that the users of a class are expected to have until there is better evidence: the middle of its rates. */
const EXPECTED = [0, ...CLASS_RATES].map((from, i) => {
  const to = CLASS_RATES[i] ?? 2 * from;
  return (from === 0 ? to / 2 : Math.sqrt(from * to)) / 1_000;
});

/**
 * Lets time pass over what was seen.
 *
 * @param users that are in each class @param days that polls went on since the last call
 */
export function passDays(seen: readonly SeenOfClass[], users: readonly number[], days: number): SeenOfClass[] {
  const left = 2 ** (-days / HALF_LIFE_DAYS);
  return users.map((count, i) => {
    const { goLives, userDays } = seen[i] ?? { goLives: 0, userDays: 0 };
    return { goLives: goLives * left, userDays: userDays * left + count * days };
  });
}

/**
 * Go-lives a day of one user in each class. They are counted after users have come into their classes: an estimate that put
 * them there by chance shows in the go-lives that do not follow, so that users who are all alike end up with one frequency.
 */
export function classRates(seen: readonly SeenOfClass[]): number[] {
  return EXPECTED.map((expected, i) => {
    const { goLives, userDays } = seen[i] ?? { goLives: 0, userDays: 0 };
    return (goLives + PRIOR_GO_LIVES) / (userDays + PRIOR_GO_LIVES / expected);
  });
}
