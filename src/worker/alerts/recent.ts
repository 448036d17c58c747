import type { Snapshot } from '../../alerts/alert.ts';
import type { PollReport } from '../../poll/report.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';
import { LastPolls } from '../metrics/lastPolls.ts';

/** How long ago a poll may have ended to count as recent. */
const RECENT_MS = 15 * 60_000;

/**
 * The polls that have ended, as far as this process has read of them: what was read once is remembered while the store that
 * keeps the reports is away, or has lost them.
 */
export class RecentPolls {
  readonly #reports = new Map<string, { report: PollReport; endMs: number }>();
  readonly #newest = new LastPolls();

  note(reports: readonly PollReport[], nowMs: number): void {
    for (const report of reports) {
      this.#newest.note(report);
      const endMs = Date.parse(report.startedAt) + report.durationMs;
      if (nowMs - endMs <= RECENT_MS) this.#reports.set(report.pollId, { report, endMs });
    }
    for (const [pollId, { endMs }] of this.#reports) if (nowMs - endMs > RECENT_MS) this.#reports.delete(pollId);
  }

  /** As a snapshot has them. */
  view(): Pick<Snapshot, 'reports' | 'lastPoll' | 'lastCompleteMs'> {
    const { last, lastComplete } = this.#newest;
    return {
      reports: [...this.#reports.values()].sort((a, b) => b.endMs - a.endMs).map(({ report }) => report),
      ...(last && { lastPoll: { endMs: last.endedMs, durationMs: last.report.durationMs ?? 0 } }),
      ...(lastComplete && { lastCompleteMs: lastComplete.endedMs }),
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
