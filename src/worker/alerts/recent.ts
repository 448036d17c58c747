import type { PollReport } from '../../poll/report.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';

/** How long ago a poll may have ended to count as recent. */
const RECENT_MS = 15 * 60_000;

interface EndedPoll {
  endMs: number;
  durationMs: number;
}

/**
 * The polls that have ended, as far as this process has read of them: what was read once is remembered while the store that
 * keeps the reports is away, or has lost them.
 */
export class RecentPolls {
  readonly #reports = new Map<string, PollReport & EndedPoll>();
  #last: EndedPoll | undefined;
  #lastCompleteMs: number | undefined;

  note(reports: readonly PollReport[], nowMs: number): void {
    for (const report of reports) {
      const { pollId, startedAt, durationMs, failedBatches } = report;
      const endMs = Date.parse(startedAt) + durationMs;
      if (!Number.isFinite(endMs) || this.#reports.has(pollId)) continue;
      if (nowMs - endMs <= RECENT_MS) this.#reports.set(pollId, { ...report, endMs });
      if (endMs > (this.#last?.endMs ?? 0)) this.#last = { endMs, durationMs };
      if (failedBatches === 0) this.#lastCompleteMs = Math.max(endMs, this.#lastCompleteMs ?? 0);
    }
    for (const [pollId, { endMs }] of this.#reports) if (nowMs - endMs > RECENT_MS) this.#reports.delete(pollId);
  }

  /** As a snapshot has them. */
  view(): { reports: PollReport[]; lastPoll?: EndedPoll; lastCompleteMs?: number } {
    return {
      reports: [...this.#reports.values()].sort((a, b) => b.endMs - a.endMs),
      ...(this.#last && { lastPoll: this.#last }),
      ...(this.#lastCompleteMs !== undefined && { lastCompleteMs: this.#lastCompleteMs }),
    };
  }
}

/** How many of something there were in the last ten minutes. */
export class LastTenMinutes {
  static readonly #MS = 10 * 60_000;
  /** Of as many moments as have seconds: more of them are as good as these. */
  static readonly #MOST = 600;
  readonly #moments: { atMs: number; count: number }[] = [];
  readonly #now: () => number;

  /** @param now milliseconds of a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  note(count: number): void {
    if (count <= 0) return;
    this.#moments.push({ atMs: this.#now(), count });
    if (this.#moments.length > LastTenMinutes.#MOST) this.#moments.shift();
  }

  get count(): number {
    const sinceMs = this.#now() - LastTenMinutes.#MS;
    return this.#moments.reduce((sum, { atMs, count }) => sum + (atMs >= sinceMs ? count : 0), 0);
  }
}

/** The same publisher; messages that the broker returned are counted. */
export function countReturned(
  publisher: Pick<RabbitPublisher, 'publish'>,
  returned: Pick<LastTenMinutes, 'note'>,
): Pick<RabbitPublisher, 'publish'> {
  return {
    async publish(messages, options) {
      const result = await publisher.publish(messages, options);
      returned.note(result.failed.filter(({ reason }) => reason === 'returned').length);
      return result;
    },
  };
}
