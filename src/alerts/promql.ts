/**
 * Pieces of PromQL. Everything is by `job`: what is a state of the system every worker of an installation tells the same, so
 * that `max` and `min` only pick one of equals, or the newest while they differ for a moment.
 */

/** How long the last known value of what has vanished still counts: a weekend without any worker is an alert to its end. */
const MEMORY = '3d';

export const metric = (name: string) => `stream_poller_${name}`;

/** Seconds since a time that was exposed; goes on counting when nobody exposes it any more. */
export const age = (name: string) => `(time() - max by (job) (max_over_time(${metric(name)}[${MEMORY}])))`;

/** The last known value, also when nobody exposes it any more. */
export const last = (name: string) => `max by (job) (last_over_time(${metric(name)}[${MEMORY}]))`;

/**
 * By how much counters have grown. A series that appears with a value has grown by it, which `increase` does not see: that is
 * how a counter begins whose labels nobody has counted before.
 */
export function grown(counter: string, window: string, by = 'job'): string {
  return `sum by (${by}) (increase(${counter}[${window}]) > 0 or (${counter} unless last_over_time(${counter}[1d] offset ${window})))`;
}
