import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  CancellationScope,
  condition,
  ParentClosePolicy,
  setCurrentDetails,
  startChild,
} from '@temporalio/workflow';
import type { SkippedStreams } from '../activities/diff.ts';
import type { Batch, StreamEvent } from '../model.ts';
import type { PageRef } from '../storage/streams.ts';
import { diffStreams, publishStreams } from './activities.ts';
import type { deliverStreams } from './deliverStreams.ts';
import type { Resume } from './input.ts';
import { Lanes } from './lanes.ts';
import { noteProblem } from './report.ts';

/** Pages or complete batches that make a slice. Slices are cut earlier when a page shows a stream that is new. */
const SLICE = 20;
/** In UTF-16 units; a server may refuse a summary of more than 400 bytes, and with it the step. */
const SUMMARY_NAMES_MOST = 120;
/** Publish activities at a time: enough that slices do not wait for each other's confirms. */
const PUBLISHERS = 10;

/**
 * Diffs and publishes what the requests bring in, slice by slice, so that an event does not wait for the end of a long
 * poll. One diff runs at a time; what arrives meanwhile makes the next. Nothing here is cancelled with the workflow:
 * a claimed event has to reach the broker, or a `deliverStreams` workflow that will bring it there.
 */
export class Slices {
  readonly #state: Resume;
  readonly #publishing = new Lanes(PUBLISHERS);
  #pages: PageRef[] = [];
  #complete: Batch[] = [];
  #urgent = false;
  #closed = false;
  /** Batches with a lost page: their misses must not be counted although the requests succeeded. */
  readonly #lost = new Set<number>();
  /** Targets with a stream that could not be compared: it is on, but not noted as seen. */
  readonly #unsure = { user: new Set<string>(), game: new Set<string>() };
  #brokerAway = false;

  constructor(state: Resume) {
    this.#state = state;
  }

  addPage(page: PageRef, unseen: number): void {
    if (page.streams > 0) this.#pages.push(page);
    if (unseen > 0) this.#urgent = true;
  }

  addComplete(batch: Batch): void {
    this.#complete.push(batch);
  }

  /** No more pages will come: what is left is diffed, and `run` ends. */
  close(): void {
    this.#closed = true;
  }

  /** Works until it is closed and everything is published or handed over. */
  async run(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      while (await this.#nextSlice()) await this.#diff();
      await this.#publishing.drain();
    });
  }

  async #nextSlice(): Promise<boolean> {
    const isCut = () => this.#urgent || this.#pages.length >= SLICE || this.#complete.length >= SLICE;
    await condition(() => this.#closed || isCut());
    return this.#pages.length + this.#complete.length > 0;
  }

  async #diff(): Promise<void> {
    const { poll, last, report } = this.#state;
    const pages = this.#pages.slice(0, SLICE);
    // Misses are counted when all pages that have come in are diffed: a complete batch's pages are among them.
    const all = pages.length === this.#pages.length;
    const taken = all ? this.#complete.slice(0, SLICE) : [];
    const complete = taken.filter((batch) => !this.#lost.has(batch.no)).map((batch) => this.#sureOf(batch));
    const owner = `${poll.id}#${this.#state.diffs++}`;
    if (all) this.#urgent = false;

    try {
      const found = await diffStreams.executeWithOptions({ summary: summarizeSlice(pages, complete) }, [
        { poll, owner, pages, complete, lastCompleteMs: last.completeMs },
      ]);
      for (const no of found.lost) this.#loseBatch(no, 'its pages were gone from the store before they were compared');
      this.#pages.splice(0, found.pagesDone);
      if (found.pagesDone === pages.length) this.#complete.splice(0, taken.length);
      else this.#urgent = true;
      report.silent += found.silent;
      report.ended += found.ended;
      report.live = found.live;
      if (found.skipped) this.#skip(found.skipped);
      if (found.uncounted !== undefined) {
        report.incompleteBatches += complete.length;
        noteProblem(report, `misses were not counted: ${found.uncounted}`);
      }
      if (found.events.length > 0) await this.#publishing.start(() => this.#announce(owner, found.events));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const batches = [...pages.map((page) => page.batch), ...complete.map((batch) => batch.no)];
      for (const no of batches) this.#loseBatch(no, error.cause?.message ?? error.message);
      this.#pages.splice(0, pages.length);
      this.#complete.splice(0, taken.length);
    }
    setCurrentDetails(
      `${report.batches} batches requested, ${report.live} streams live, ${report.announced} announced`,
    );
  }

  #loseBatch(no: number, why: string): void {
    const { report } = this.#state;
    if (this.#lost.has(no)) return;
    this.#lost.add(no);
    report.failedBatches += 1;
    noteProblem(report, `batch ${no}: ${why}`);
  }

  #sureOf(batch: Batch): Batch {
    const unsure = this.#unsure[batch.kind];
    return unsure.size === 0 ? batch : { ...batch, ids: batch.ids.filter((id) => !unsure.has(id)) };
  }

  #skip({ count, users, games, problems }: SkippedStreams): void {
    const { report } = this.#state;
    report.skipped = (report.skipped ?? 0) + count;
    for (const id of users) this.#unsure.user.add(id);
    for (const id of games) this.#unsure.game.add(id);
    for (const problem of problems) noteProblem(report, problem);
  }

  async #announce(owner: string, events: StreamEvent[]): Promise<void> {
    const { poll, intervalSeconds, last, report } = this.#state;
    // A broker that was away for all of the last poll gets one attempt, so that polls keep their interval meanwhile.
    const giveUpAfterSeconds = last.brokerAway ? 0 : intervalSeconds;
    if (!this.#brokerAway) {
      try {
        const { announced } = await publishStreams.executeWithOptions({ summary: summarizeEvents(events) }, [
          { poll, owner, events, giveUpAfterSeconds },
        ]);
        report.announced += announced;
        return;
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
        this.#brokerAway = true;
        noteProblem(report, error.cause?.message ?? error.message);
      }
    }
    try {
      await startChild<typeof deliverStreams>('deliverStreams', {
        args: [{ poll, owner, events }],
        workflowId: `deliver:${owner}`,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: summarizeEvents(events),
      });
    } catch (error) {
      // A poll that was reset has handed them over before.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    report.handedOver += events.length;
  }
}

function summarizeSlice(pages: PageRef[], complete: Batch[]): string {
  const streams = pages.reduce((sum, page) => sum + page.streams, 0);
  return `${streams} live on ${pages.length} pages; ${complete.length} batches complete`;
}

export function summarizeEvents(events: StreamEvent[]): string {
  const logins = events.slice(0, 5).map((event) => event.userLogin || event.userId);
  const names = logins.join(', ').slice(0, SUMMARY_NAMES_MOST).toWellFormed();
  return `${events.length} new: ${names}${events.length > logins.length ? ', …' : ''}`;
}
