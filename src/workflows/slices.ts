import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
} from '@temporalio/workflow';
import { ASK_BROKER_AGAIN_MS, GIVE_UP_MOST_SECONDS, PUBLISHERS, SLICE_PAGES } from '../poll/limits.ts';
import type { Batch, StreamEvent } from '../poll/model.ts';
import { noteProblem, noteStoreVersion } from '../poll/report.ts';
import type { Claimed, PageRef, SkippedStreams } from '../poll/steps.ts';
import { begin, HandOver } from './handOver.ts';
import type { Resume } from './input.ts';
import { diffStreams, publishStreams } from './proxies.ts';
import { Semaphore } from './semaphore.ts';
import { summarizeEvents, summarizeSlice } from './summaries.ts';
import { takesNewSteps } from './version.ts';

/**
 * Diffs and publishes what the requests bring in, slice by slice, so that an event does not wait for the end of a long
 * poll. One diff runs at a time; what arrives meanwhile makes the next. Nothing here is cancelled with the workflow:
 * a claimed event has to reach the broker, or a `deliverStreams` workflow that will bring it there.
 */
export class Slices {
  readonly #state: Resume;
  readonly #publishing = new Semaphore(PUBLISHERS);
  #pages: PageRef[] = [];
  #complete: Batch[] = [];
  #urgent = false;
  #closed = false;
  /** Batches with a lost page: their misses must not be counted although the requests succeeded. */
  readonly #lost = new Set<number>();
  /** Targets with a stream that could not be compared: it is on, but not noted as seen. */
  readonly #unsure = { user: new Set<string>(), game: new Set<string>() };
  readonly #handOver: HandOver;

  constructor(state: Resume) {
    this.#state = state;
    this.#handOver = new HandOver(state);
  }

  /** Numbers of batches that were polled, but not compared. */
  get lost(): ReadonlySet<number> {
    return this.#lost;
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
      const handingOver = this.#handOver.run();
      handingOver.catch(() => undefined); // It is awaited below, unless something else fails first.
      try {
        while (await this.#nextSlice()) await this.#diff();
        await this.#publishing.drain();
      } finally {
        this.#handOver.close();
      }
      await handingOver;
    });
  }

  async #nextSlice(): Promise<boolean> {
    const isCut = () => this.#urgent || this.#pages.length >= SLICE_PAGES || this.#complete.length >= SLICE_PAGES;
    await condition(() => this.#closed || isCut());
    return this.#pages.length + this.#complete.length > 0;
  }

  async #diff(): Promise<void> {
    // What is claimed must not wait for a publisher: its claim would run out meanwhile.
    if (this.#publishing.full && takesNewSteps()) await this.#publishing.free();
    const { poll, last, report } = this.#state;
    const pages = this.#pages.slice(0, SLICE_PAGES);
    // Misses are counted when all pages that have come in are diffed: a complete batch's pages are among them.
    const all = pages.length === this.#pages.length;
    const taken = all ? this.#complete.slice(0, SLICE_PAGES) : [];
    const complete = taken.filter((batch) => !this.#lost.has(batch.no)).map((batch) => this.#sureOf(batch));
    const owner = `${poll.id}#${this.#state.diffs++}`;
    if (all) this.#urgent = false;

    try {
      const found = await diffStreams.executeWithOptions({ summary: summarizeSlice(pages, complete) }, [
        {
          poll,
          storeVersion: report.storeVersion,
          owner,
          pages,
          complete,
          lastCompleteMs: last.completeMs,
          ...(last.unpolled && { unpolled: last.unpolled }),
        },
      ]);
      noteStoreVersion(report, found.storeVersion);
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
    let confirmed: string[] = [];
    if (!this.#brokerIsAway()) {
      // A broker that was away a moment ago gets one attempt, so that polls keep their interval meanwhile.
      const away = last.brokerAway || this.#state.brokerAwayMs !== undefined;
      const giveUpAfterSeconds = away ? 0 : Math.min(intervalSeconds, GIVE_UP_MOST_SECONDS);
      try {
        const { announced } = await publishStreams.executeWithOptions({ summary: summarizeEvents(events) }, [
          { poll, owner, events, giveUpAfterSeconds },
        ]);
        report.announced += announced;
        last.brokerAway = false;
        delete this.#state.brokerAwayMs;
        return;
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
        this.#state.brokerAwayMs = Date.now();
        noteProblem(report, error.cause?.message ?? error.message);
        confirmed = confirmedBefore(error);
      }
    }
    report.announced += confirmed.length;
    report.handedOver += events.length - confirmed.length;
    const claim: Claimed = { owner, events, ...(confirmed.length > 0 && { confirmed }) };
    if (takesNewSteps()) this.#handOver.add(claim);
    else await begin(`deliver:${owner}`, { poll, ...claim });
  }

  /** It failed this poll a moment ago: it is asked again only from time to time. */
  #brokerIsAway(): boolean {
    const { brokerAwayMs } = this.#state;
    if (brokerAwayMs === undefined) return false;
    return Date.now() - brokerAwayMs < ASK_BROKER_AGAIN_MS || !takesNewSteps();
  }
}

/** What the broker had confirmed when publishing was given up. */
function confirmedBefore({ cause }: ActivityFailure): string[] {
  const ids = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  return Array.isArray(ids) ? ids.map(String) : [];
}
