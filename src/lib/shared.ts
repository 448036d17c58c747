/**
 * Lets any number of callers share one reading: it is kept for `maxAgeMs`, and while one is under way the others wait for it.
 * One that fails is not kept.
 */
export function shared<T>(read: () => Promise<T>, maxAgeMs: number, now = () => performance.now()): () => Promise<T> {
  let last: { value: T; atMs: number } | undefined;
  let running: Promise<T> | undefined;
  return () => {
    if (last && now() - last.atMs < maxAgeMs) return Promise.resolve(last.value);
    running ??= read()
      .then((value) => {
        last = { value, atMs: now() };
        return value;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}
