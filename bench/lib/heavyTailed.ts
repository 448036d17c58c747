import type { Random } from '../../sandbox/twitch/random.ts';

/** Go-lives per user fall with the user's rank to this power: few users stream daily, most of them hardly ever. */
export const EXPONENT = 1.2;
/** Coprime to the counts of users: scatters the ranks over the walk. */
const STEP = 7_919;

/** Draws the index of a user, each rank with a probability proportional to rank^-1.2 (by the bounded Pareto law). */
export function drawUser(random: Random, users: number): number {
  const tail = users ** (1 - EXPONENT);
  const rank = Math.floor((1 - random.next() * (1 - tail)) ** (1 / (1 - EXPONENT)));
  return (Math.min(rank, users) * STEP) % users;
}
