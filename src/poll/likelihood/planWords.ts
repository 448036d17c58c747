import { counted, duration } from '../../lib/words.ts';
import type { Plan } from './plan.ts';

/** `412 users every 5 s, 999,588 users every 2 h 8 min; the directory every 1 min 36 s; mean lag of users about 43 s (…)` */
export function planWords({ users, pollSeconds, sweep, userLagSeconds, oneFrequency }: Plan, games: boolean): string {
  const byPeriod = new Map<string, number>();
  for (const { users: count, seconds } of users.toReversed()) {
    const period = words(seconds);
    byPeriod.set(period, (byPeriod.get(period) ?? 0) + count);
  }
  const parts = [[...byPeriod].map(([period, count]) => `${counted(count, 'user')} every ${period}`).join(', ')];
  if (games) parts.push(`games every ${words(pollSeconds)}`);
  if (sweep) parts.push(`the directory every ${words(sweep.seconds)}`);
  if (users.length > 0) {
    const one = ` (${words(oneFrequency.meanLagSeconds)} with one frequency for all)`;
    parts.push(`mean lag of users about ${words(userLagSeconds)}${users.length > 1 || sweep ? one : ''}`);
  }
  return parts.filter(Boolean).join('; ');
}

function words(seconds: number): string {
  return duration(seconds < 10 ? Math.round(seconds * 10) * 100 : Math.round(seconds) * 1_000);
}
