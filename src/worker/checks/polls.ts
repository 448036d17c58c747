import type { PollSettings } from '../../config/pollSettings.ts';
import type { Check } from '../../http/check.ts';
import { SLICE_PAGES, STUCK_POLLS } from '../../poll/limits.ts';
import type { Polls } from '../../storage/polls.ts';
import type { ScheduleView } from '../../temporal/schedule/view.ts';

export interface PollCheckOptions {
  polls: Pick<Polls, 'times'>;
  /** Undefined while it could not be read. */
  schedule: () => Promise<ScheduleView | undefined>;
  settings: Pick<PollSettings, 'intervalSeconds' | 'requestsPerMinute'>;
  /** Unix milliseconds. */
  now?: () => number;
  /** Milliseconds of a clock that nobody sets. */
  monotonic?: () => number;
}

/**
 * Polls come to an end. The limit goes by the schedule's own interval, else by this worker's setting; it leaves room for
 * two polls that fail, and for the time that a small rate limit puts between two comparisons of a long poll. A pause is
 * told at once, and makes the service not ready when the limit is over: nothing is detected then, whoever wanted it.
 */
export function pollCheck(options: PollCheckOptions): Check {
  const { polls, schedule, settings, now = Date.now, monotonic = () => performance.now() } = options;
  // Without news there is a sign of progress only this often.
  const sliceSeconds = (SLICE_PAGES * 60) / settings.requestsPerMinute;
  const started = new LastTime(now, monotonic);
  const through = new LastTime(now, monotonic);
  return async () => {
    // The store has a check of its own: while it is away, what was read last still tells the age.
    const [view, times] = await Promise.all([schedule(), polls.times().catch(() => undefined)]);
    if (times) {
      started.note(times.startedMs);
      through.note(times.progressMs);
    }
    const intervalSeconds = view?.intervalSeconds ?? settings.intervalSeconds;
    const limitMs =
      Math.max(STUCK_POLLS.intervals * intervalSeconds, STUCK_POLLS.leastSeconds, 2 * sliceSeconds) * 1_000;
    const pause = view?.paused ? `the schedule is paused${view.note ? ` (${view.note})` : ''}` : '';
    if (through.ageMs <= limitMs) {
      return { ok: true, detail: `last poll got through ${ago(through.ageMs)}${pause && `; ${pause}`}` };
    }
    return { ok: false, detail: whyNot() };

    function whyNot(): string {
      const since = Number.isFinite(through.ageMs) ? `for ${inWords(through.ageMs)}` : 'so far';
      if (pause) return `${pause}, and no poll has got through ${since}: npm run client -- schedule resume`;
      if (started.ageMs <= limitMs) {
        return `polls begin, but none has got through ${since}: the other checks and npm run client -- status tell why`;
      }
      if (!Number.isFinite(started.ageMs)) {
        return `no poll yet: ${view?.exists ? 'see npm run client -- schedule describe' : 'run npm run client -- schedule apply'}`;
      }
      const begun = `no poll has begun for ${inWords(started.ageMs)}`;
      if (view?.exists === false) return `${begun}, and there is no schedule: run npm run client -- schedule apply`;
      const interval = view?.intervalSeconds
        ? `the schedule's interval is ${inWords(1_000 * intervalSeconds)}`
        : `POLL_INTERVAL_SECONDS is ${intervalSeconds}`;
      return `${begun} (${interval}): see npm run client -- schedule describe`;
    }
  };
}

/**
 * The age of the newest of the times that were read. A time that was read once ages by the monotonic clock, so that one
 * which a clock put into the future does not stay young for as long as that clock was ahead. A store that came back empty
 * or from an older snapshot knows less than was read before, and makes nothing older.
 */
class LastTime {
  readonly #now: () => number;
  readonly #monotonic: () => number;
  #read = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, monotonic: () => number) {
    this.#now = now;
    this.#monotonic = monotonic;
  }

  /** @param timeMs Unix milliseconds, 0 for never */
  note(timeMs: number): void {
    if (timeMs === 0 || timeMs === this.#read) return;
    this.#read = timeMs;
    this.#atMs = Math.max(this.#atMs, this.#monotonic() - Math.max(0, this.#now() - timeMs));
  }

  /** Infinity for never. */
  get ageMs(): number {
    return this.#monotonic() - this.#atMs;
  }
}

function ago(ms: number): string {
  return ms < 1_000 ? 'just now' : `${inWords(ms)} ago`;
}

function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
