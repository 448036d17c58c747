import { within } from '../lib/deadline.ts';
import { CHECK_AGE_MS, CHECK_MS } from '../poll/limits.ts';

/** What a check found: whether the service can do its part, and in words what is known or what to do. */
export interface CheckResult {
  ok: boolean;
  detail: string;
}

export type Check = () => CheckResult | Promise<CheckResult>;

export interface CachedCheckOptions {
  /** How long a probe waits for an answer. */
  timeoutMs?: number;
  /** How long an answer is given again without asking. */
  maxAgeMs?: number;
  /** Milliseconds; default: a clock that never goes back. */
  now?: () => number;
}

/**
 * Makes a check safe to be called by any number of probes: one runs at a time, its answer is kept for a moment, and
 * a probe never waits longer than the timeout. A check that is late is not started again before it has ended, so that a
 * service that hangs does not collect requests. Never rejects: a check that throws is not ok.
 */
export function cachedCheck(check: Check, options: CachedCheckOptions = {}): () => Promise<CheckResult> {
  const { timeoutMs = CHECK_MS, maxAgeMs = CHECK_AGE_MS, now = () => performance.now() } = options;
  let last: { result: CheckResult; atMs: number } | undefined;
  let running: { outcome: Promise<CheckResult>; sinceMs: number } | undefined;

  async function run(): Promise<CheckResult> {
    let result: CheckResult;
    try {
      result = await check();
    } catch (error) {
      result = { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
    last = { result, atMs: now() };
    running = undefined;
    return result;
  }

  return async () => {
    if (last && now() - last.atMs < maxAgeMs) return last.result;
    if (!running) {
      const sinceMs = now();
      // `run` can end before it returns only to here, so `running` is set first.
      running = { outcome: Promise.resolve().then(run), sinceMs };
    }
    const leftMs = Math.max(0, timeoutMs - (now() - running.sinceMs));
    const late = `no answer within ${timeoutMs / 1_000} s`;
    return within(leftMs, running.outcome, { late }).catch(() => ({ ok: false, detail: late }));
  };
}

/** All checks as one question: they run when somebody asks, each as by {@link cachedCheck}. */
export function cachedChecks<N extends string>(
  checks: Record<N, Check>,
  options?: CachedCheckOptions,
): () => Promise<Record<N, CheckResult>> {
  const cached = Object.entries<Check>(checks).map(([name, check]) => [name, cachedCheck(check, options)] as const);
  return async () => {
    const results = await Promise.all(cached.map(async ([name, check]) => [name, await check()] as const));
    return Object.fromEntries(results) as Record<N, CheckResult>;
  };
}
