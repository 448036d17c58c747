import type { Plan, PlannedUsers } from './plan.ts';

/**
 * A poll goes around in laps, so that users whose period is shorter than it are asked for several times: in each lap it takes
 * some requests of each group of users, where the lap before stopped. The rate limit spaces the laps, since a plan uses the
 * whole budget.
 */
export function lapsOf({ users }: Plan): number {
  return Math.max(1, ...users.map(({ timesAPoll }) => Math.ceil(timesAPoll - 1e-6)));
}

/**
 * Requests that one lap takes of a group. Whole ones, which come to as many as planned over the laps.
 *
 * @param lap counted on from poll to poll, whatever poll it began with
 */
export function requestsInLap({ requests, timesAPoll }: PlannedUsers, laps: number, lap: number): number {
  const share = (requests * timesAPoll) / laps;
  return Math.floor((lap + 1) * share) - Math.floor(lap * share);
}
