import type { Settings } from '../config/env.ts';
import type { Check } from '../http/check.ts';
import type { Streams } from '../storage/streams.ts';

/** One failure is the next poll's to mend: a batch has failed for good when so many polls in a row did not reach it. */
const POLLS = 10;
const LEAST_MS = 10 * 60_000;

/**
 * Every target is reached: none has been missed by all polls for ten intervals, and ten minutes at least. What Twitch
 * refuses does not count: it is set aside, and `status` names it.
 */
export function targetsCheck(
  streams: Pick<Streams, 'readUnpolled'>,
  settings: Pick<Settings, 'POLL_INTERVAL_SECONDS'>,
  now = Date.now,
): Check {
  const limitMs = Math.max(POLLS * settings.POLL_INTERVAL_SECONDS * 1_000, LEAST_MS);
  return async () => {
    const late = (await streams.readUnpolled()).filter(({ missedMs }) => now() - missedMs > limitMs);
    const [worst] = late.toSorted((a, b) => a.missedMs - b.missedMs);
    if (!worst) return { ok: true, detail: 'all are reached' };
    const targets = late.reduce((sum, range) => sum + range.targets, 0);
    const minutes = Math.round((now() - worst.missedMs) / 60_000);
    return {
      ok: false,
      detail:
        `${targets} not reached by any poll for up to ${minutes} min, such as ${worst.kind} ${worst.first} to ${worst.last}: ` +
        'npm run client -- status tells why',
    };
  };
}
