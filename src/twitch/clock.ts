/** What the wall clock may gain or lose on the monotonic one before that is a leap: more than any slewing in between. */
const LEAP_MS = 1_000;

/**
 * A clock for lifetimes, in Unix milliseconds as of its making. It goes with the monotonic clock, takes part in the wall
 * clock's leaps forward, and never goes back: a machine that slept has its tokens expired, although the monotonic clock
 * stood still, and a wall clock that is set back by an hour keeps nothing valid, or locked, for an hour more. It may stay
 * ahead of the wall clock for good, so it is for differences, not for times to show or to send.
 */
export function lifetimeClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  let wallOffset = wall() - monotonic();
  let offset = wallOffset;
  return () => {
    const monotonicMs = monotonic();
    const gained = wall() - monotonicMs - wallOffset;
    if (Math.abs(gained) >= LEAP_MS) {
      wallOffset += gained;
      offset += Math.max(0, gained);
    }
    return Math.round(offset + monotonicMs);
  };
}
