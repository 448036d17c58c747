import type { Random } from '../../sandbox/twitch/random.ts';

/** Of the users, how many go live every day. */
export const DAILY_SHARE = 0.01;
/** Behind these, go-lives per user fall with the user's rank to this power. */
export const EXPONENT = 1.5;
export const DAYS = 14;
/** Coprime to the counts of users: scatters the ranks over the walk. */
const STEP = 7_919;

/** Go-lives a day of the user of a rank, from 1. */
export function goLivesADay(rank: number, users: number, exponent = EXPONENT): number {
  return Math.min(1, (rank / (DAILY_SHARE * users)) ** -exponent);
}

/**
 * How go-lives are spread over users: one in a hundred streams every day, and the others the less, the lower they rank, by a
 * power law. Nobody streams more often than daily, as nobody does who is live for hours.
 */
export class HeavyTailed {
  readonly #users: number;
  /** Go-lives in two weeks of the user of each rank and those above. */
  readonly #upTo: Float64Array;

  constructor(users: number) {
    this.#users = users;
    this.#upTo = new Float64Array(users);
    let sum = 0;
    for (let rank = 1; rank <= users; rank++) {
      sum += DAYS * goLivesADay(rank, users);
      this.#upTo[rank - 1] = sum;
    }
  }

  /** Go-lives of all users in {@link DAYS} days. */
  get total(): number {
    return this.#upTo.at(-1) ?? 0;
  }

  /** The index of the user who goes live next. */
  draw(random: Random): number {
    const at = random.next() * this.total;
    let [low, high] = [0, this.#users - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#upTo[middle] as number) > at) high = middle;
      else low = middle + 1;
    }
    return (low * STEP) % this.#users;
  }
}
