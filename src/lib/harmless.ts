/**
 * For what only watches: the same function, which never throws. Whoever calls it goes on whether or not it could be told.
 */
export function harmless<A extends unknown[]>(watch: ((...args: A) => void) | undefined): (...args: A) => void {
  return (...args) => {
    try {
      watch?.(...args);
    } catch {
      // A view that fails shows less; it must not disturb what it shows.
    }
  };
}
