import type { PollSettings } from '../../config/pollSettings.ts';
import type { Check } from '../../http/check.ts';
import { MISSED_POLLS } from '../../poll/limits.ts';
import type { Polls } from '../../storage/polls.ts';

/**
 * Every target is reached: none has been missed by all polls for ten intervals, and ten minutes at least. What Twitch
 * refuses does not count: it is set aside, and `status` names it.
 */
export function targetsCheck(
  polls: Pick<Polls, 'readUnpolled'>,
  { intervalSeconds }: Pick<PollSettings, 'intervalSeconds'>,
  now = Date.now,
): Check {
  const { intervals, leastSeconds } = MISSED_POLLS;
  const limitMs = Math.max(intervals * intervalSeconds, leastSeconds) * 1_000;
  return async () => {
    const late = (await polls.readUnpolled()).filter(({ missedMs }) => now() - missedMs > limitMs);
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
