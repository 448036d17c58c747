import { activityInfo, heartbeat } from '@temporalio/activity';
import { BEAT_MS, STOOD_STILL_MS } from '../poll/limits.ts';
import { type FailureOptions, failureKind, toActivityFailure } from './failures.ts';

/** Time as both clocks tell it: one may stand still while a machine sleeps, and the other may be set. */
interface Moment {
  monotonicMs: number;
  wallMs: number;
}

/** Tells an activity whether it has been going on all the time. */
export class Pulse {
  readonly #now: () => Moment;
  #last: Moment;
  #stoodStill = false;

  constructor(now: () => Moment = () => ({ monotonicMs: performance.now(), wallMs: Date.now() })) {
    this.#now = now;
    this.#last = now();
  }

  /** To be called again and again, more often than every {@link STOOD_STILL_MS}. */
  beat(): void {
    const now = this.#now();
    if (elapsedMs(this.#last, now) > STOOD_STILL_MS) this.#stoodStill = true;
    this.#last = now;
  }

  /** A moment so far from now, for {@link isBefore}. */
  deadline(ms: number): { from: Moment; ms: number } {
    return { from: this.#now(), ms };
  }

  /** Whether the deadline is still to come by both clocks, and the activity has never stood still. */
  isBefore({ from, ms }: { from: Moment; ms: number }): boolean {
    this.beat();
    return !this.#stoodStill && elapsedMs(from, this.#last) < ms;
  }
}

function elapsedMs(from: Moment, to: Moment): number {
  return Math.max(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs);
}

/**
 * Runs one attempt of an activity with a heartbeat every second, so that Temporal notices within seconds, not only at
 * `startToCloseTimeout`, that the worker was killed. Each beat carries what `beats` returns then.
 *
 * @throws ApplicationFailure for whatever `work` throws: see `toActivityFailure`
 */
export async function runAttempt<T>(
  work: (pulse: Pulse) => Promise<T>,
  { beats = () => undefined, ...options }: FailureOptions & { beats?: () => unknown } = {},
): Promise<T> {
  const pulse = new Pulse();
  const timer = setInterval(() => {
    pulse.beat();
    heartbeat(beats());
  }, BEAT_MS);
  try {
    return await work(pulse);
  } catch (error) {
    throw toActivityFailure(error, activityInfo().attempt, options);
  } finally {
    clearInterval(timer);
  }
}

/**
 * The same for an activity that asks Twitch. Temporal keeps no history of failed attempts: what failed, a kind for each
 * request, goes to the next attempt with the heartbeats, and with the failure or the result into the history.
 */
export async function runRequestAttempt<T>(work: (failedRequests: string[]) => Promise<T>): Promise<T> {
  const failedRequests = lastHeartbeatList();
  const noting = async () => {
    try {
      return await work(failedRequests);
    } catch (error) {
      failedRequests.push(failureKind(error));
      heartbeat(failedRequests);
      throw error;
    }
  };
  return runAttempt(noting, { beats: () => failedRequests, details: [failedRequests] });
}

/** What the last attempt of this activity left in its heartbeats: a list of strings, empty in the first attempt. */
export function lastHeartbeatList(): string[] {
  const details: unknown = activityInfo().heartbeatDetails;
  return Array.isArray(details) ? details.map(String) : [];
}
