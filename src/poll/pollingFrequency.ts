import { counted, duration } from '../lib/words.ts';
import type { TargetKind } from './model.ts';
import type { PollReport } from './report.ts';

/** How often what is polled, as the latest polls have shown. */
export interface PollingFrequency {
  /** From the beginning of one poll to that of the next; absent until two have ended. */
  everySeconds?: number;
  /** Set when not all users are in every poll: how many are, how many take turns, and how soon each of these has its own. */
  turns?: { hot: number; dormant: number; withinSeconds?: number };
  /** When the last poll ended: how long the target that waited longest had waited. */
  oldestSeconds?: number;
}

/** Gaps between polls that are looked at: their median, so that a pause or a poll that was triggered changes nothing. */
const GAPS = 10;
/** Reports that tell how often targets are polled. */
export const REPORTS_FOR_FREQUENCY = GAPS + 1;

/** @param reports of the latest polls, the newest first; other versions may have written them */
export function pollingFrequency(reports: readonly Partial<PollReport>[]): PollingFrequency {
  const starts = reports.slice(0, REPORTS_FOR_FREQUENCY).map(({ startedAt }) => Date.parse(startedAt ?? ''));
  const gaps = starts
    .slice(1)
    .map((start, i) => Math.abs((starts[i] ?? 0) - start))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const gapMs = gaps[Math.floor(gaps.length / 2)];
  const everySeconds = gapMs === undefined ? undefined : Math.max(1, Math.round(gapMs / 1_000));
  const { rhythm, oldestTargetSeconds } = reports[0] ?? {};
  const polls = rhythm && rhythm.dormantPerPoll > 0 ? Math.ceil(rhythm.dormant / rhythm.dormantPerPoll) : undefined;
  return {
    ...(everySeconds !== undefined && { everySeconds }),
    ...(rhythm && {
      turns: {
        hot: rhythm.hot,
        dormant: rhythm.dormant,
        ...(everySeconds !== undefined && polls !== undefined && { withinSeconds: polls * everySeconds }),
      },
    }),
    ...(oldestTargetSeconds !== undefined && { oldestSeconds: oldestTargetSeconds }),
  };
}

/** `All targets are polled every 30 s.`, or what is polled how often. */
export function frequencyWords({ everySeconds, turns, oldestSeconds }: PollingFrequency): string {
  const often = everySeconds === undefined ? 'in every poll' : `every ${duration(everySeconds * 1_000)}`;
  const oldest =
    oldestSeconds === undefined
      ? ''
      : ` When the last poll ended, none had waited longer than ${duration(oldestSeconds * 1_000)}.`;
  if (!turns) return `All targets are polled ${often}.${oldest}`;
  const within = turns.withinSeconds === undefined ? '' : `, each within ${duration(turns.withinSeconds * 1_000)}`;
  return (
    `Polled ${often}: all games, and ${counted(turns.hot, 'user')} live lately or just added; ` +
    `${counted(turns.dormant, 'other user')} by turns${within}.${oldest}`
  );
}

/** The same in numbers and in words. */
export function describeFrequency(reports: readonly Partial<PollReport>[]): PollingFrequency & { words: string } {
  const frequency = pollingFrequency(reports);
  return { ...frequency, words: frequencyWords(frequency) };
}

/** What decides when one target is polled next. */
export interface TargetPlace {
  kind: TargetKind;
  /** A user that was live lately or just added. */
  hot: boolean;
  /** Set for a target that Twitch refuses (Unix ms). */
  retryAtMs?: number | undefined;
  /** Users from the beginning of those whose turn comes next (`turn.after` of the last report) up to this one. */
  usersUntil: number;
}

/**
 * When a target is polled next: with the `next` poll, at its `turn`, when it is tried `again` because Twitch refuses it; not
 * while polls are `paused`. The time (Unix ms) is that of the poll's beginning, estimated; absent if nobody knows.
 */
export interface NextPoll {
  why: 'next' | 'turn' | 'again' | 'paused';
  atMs?: number;
}

export interface PollsAhead {
  reports: readonly Partial<PollReport>[];
  /** Of the schedule, as far as it could be read. */
  paused?: boolean | undefined;
  nextRunMs?: number | undefined;
  nowMs: number;
}

export function nextPollOf(target: TargetPlace, { reports, paused, nextRunMs, nowMs }: PollsAhead): NextPoll {
  if (paused) return { why: 'paused' };
  const { everySeconds } = pollingFrequency(reports);
  const everyMs = (everySeconds ?? 0) * 1_000;
  const lastMs = Date.parse(reports[0]?.startedAt ?? '');
  const expectedMs = everyMs > 0 && lastMs > 0 ? lastMs + everyMs * Math.ceil((nowMs - lastMs) / everyMs) : undefined;
  const nextMs = nextRunMs !== undefined && nextRunMs >= nowMs ? nextRunMs : expectedMs;
  const at = (ms: number | undefined) => ms !== undefined && { atMs: ms };
  if (target.retryAtMs !== undefined) {
    return { why: 'again', ...at(nextMs === undefined ? target.retryAtMs : Math.max(target.retryAtMs, nextMs)) };
  }
  const rhythm = reports[0]?.rhythm;
  if (!rhythm || target.kind === 'game' || target.hot) return { why: 'next', ...at(nextMs) };
  const dormantUntil = (target.usersUntil * rhythm.dormant) / Math.max(1, rhythm.hot + rhythm.dormant);
  const pollsBefore = Math.max(0, Math.ceil(dormantUntil / Math.max(1, rhythm.dormantPerPoll)) - 1);
  return { why: 'turn', ...at(nextMs === undefined ? undefined : nextMs + pollsBefore * everyMs) };
}
