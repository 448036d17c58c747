import type { PollReport } from '../../poll/report.ts';

/** A poll that ended well. */
export interface EndedPoll {
  endedMs: number;
  report: Partial<PollReport>;
}

/** The newest polls that ended well, of all that were told of: from the store and from Temporal, either of which may be away. */
export class LastPolls {
  #last: EndedPoll | undefined;
  #lastComplete: EndedPoll | undefined;

  /** @param report as it was kept, perhaps by another version of this code */
  note(report: unknown): void {
    const read = (report ?? {}) as Partial<PollReport>;
    const endedMs = Date.parse(read.startedAt ?? '') + Number(read.durationMs);
    if (!Number.isFinite(endedMs)) return;
    const poll = { endedMs, report: read };
    if (endedMs >= (this.#last?.endedMs ?? 0)) this.#last = poll;
    if (read.failedBatches === 0 && endedMs >= (this.#lastComplete?.endedMs ?? 0)) this.#lastComplete = poll;
  }

  get last(): EndedPoll | undefined {
    return this.#last;
  }

  get lastComplete(): EndedPoll | undefined {
    return this.#lastComplete;
  }
}
