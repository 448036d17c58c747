/** What ends a wait before its work is done. */
export interface Deadline {
  signal?: AbortSignal | undefined;
  /** What to say when the time is over. Default: `no answer within … s`. */
  late?: string;
}

/** The time for something is over. */
export class LateError extends Error {}

/**
 * Waits for work that others may go on waiting for: it is not ended with the wait.
 *
 * @param ms undefined: for as long as it takes
 * @throws LateError when the time is over; the signal's reason
 */
export async function within<T>(ms: number | undefined, work: Promise<T>, deadline: Deadline = {}): Promise<T> {
  const { signal, late = `no answer within ${(ms ?? 0) / 1_000} s` } = deadline;
  const over = Promise.withResolvers<never>();
  const abort = () => over.reject(signal?.reason);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  const timer = ms === undefined ? undefined : setTimeout(() => over.reject(new LateError(late)), Math.ceil(ms));
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
