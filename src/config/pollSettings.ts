import type { Settings } from './env.ts';

/** What an operator has settled about polls, by the names that the rest of the program has for it. */
export type PollSettings = ReturnType<typeof pollSettingsOf>;

export function pollSettingsOf(settings: Settings) {
  return {
    intervalSeconds: settings.POLL_INTERVAL_SECONDS,
    requestsPerMinute: settings.TWITCH_REQUESTS_PER_MINUTE,
    firstSight: settings.FIRST_SIGHT,
    offlineAfterMisses: settings.OFFLINE_AFTER_MISSES,
    recentlyLiveDays: settings.RECENTLY_LIVE_DAYS,
    dormantMaxSeconds: settings.DORMANT_MAX_SECONDS,
  };
}
