import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { BISECTING_REQUESTS, Bisection, namesIds } from '../poll/bisection.ts';
import { afterInvalidCursor, afterPage, type Chain, type Step, startChain } from '../poll/chain.ts';
import type { Batch } from '../poll/model.ts';
import { noteFailedRequests, noteProblem } from '../poll/report.ts';
import { addMissed, type Missed } from '../poll/unpolled.ts';
import type { CutBatch } from '../poll/walk.ts';
import type { Resume } from './input.ts';
import { noteRefused, type twitchActivities } from './proxies.ts';
import type { Slices } from './slices.ts';
import { takesNewSteps } from './version.ts';

type Twitch = ReturnType<typeof twitchActivities>;

interface Failure {
  type: string;
  message: string;
  failedRequests: string[];
}

/** Asks Twitch for the batches of a poll, each through all its pages, and hands what comes to the slices. */
export class Batches {
  readonly #state: Resume;
  readonly #slices: Slices;
  readonly #twitch: Twitch;
  /** Batches of this run, for those that turn out to be lost after they were polled. */
  readonly #polled = new Map<number, Missed>();

  constructor(state: Resume, slices: Slices, twitch: Twitch) {
    this.#state = state;
    this.#slices = slices;
    this.#twitch = twitch;
  }

  /** Polls one batch. Ids that Twitch refuses are set aside, and the rest of the batch is polled. */
  async poll(no: number, { kind, ids: all, known, refusedBefore, hot }: CutBatch): Promise<void> {
    const batch: Batch = { no, kind, ids: all };
    const { report } = this.#state;
    this.#state.bisecting ??= { left: BISECTING_REQUESTS };
    const parts = new Bisection(batch.ids, this.#state.bisecting, refusedBefore);
    let page = 0;
    let incomplete = false;
    let why = '';
    for (let ids = parts.next(); ids; ids = parts.next()) {
      const chain = startChain(batch.kind, known, page);
      const failure = await this.#follow({ ...batch, ids }, chain);
      page = chain.page;
      if (!failure) {
        parts.polled(ids, chain.complete);
        if (!chain.complete) incomplete = true;
        continue;
      }
      why = failure.message;
      if (mayBeOfIds(failure, batch.kind, ids) && takesNewSteps()) {
        parts.refuse(ids, why, failure.type === 'TwitchTooLarge' || namesIds(why));
      } else {
        parts.fail(ids);
      }
    }
    if (parts.complete.length > 0) this.#slices.addComplete({ ...batch, ids: parts.complete });
    if (incomplete) report.incompleteBatches += 1;
    if (parts.unpolled.length > 0) {
      report.failedBatches += 1;
      noteProblem(report, why);
    }
    // What was refused before is set aside: nobody waits for it.
    if (!refusedBefore) {
      this.#polled.set(batch.no, missedOf(batch, batch.ids, hot));
      if (parts.unpolled.length > 0) this.#miss(missedOf(batch, parts.unpolled.flat(), hot));
    }
    await this.#setAside(batch, parts, refusedBefore);
  }

  /** Looks for users that Twitch no longer knows. A failure is no harm: others are looked for next time. */
  async checkUsers(checks: number): Promise<void> {
    const { report } = this.#state;
    for (let i = 0; i < checks; i++) {
      try {
        const { failedRequests } = await this.#twitch.checkUsers();
        report.requests += 1;
        noteFailedRequests(report, failedRequests);
      } catch (error) {
        noteFailedRequests(report, activityFailureCause(error).failedRequests);
        return;
      }
    }
  }

  /** Notes batches that were polled, but not compared. */
  noteLost(batches: Iterable<number>): void {
    for (const no of batches) {
      const missed = this.#polled.get(no);
      if (missed) this.#miss(missed);
    }
  }

  #miss(missed: Missed): void {
    this.#state.missed = addMissed(this.#state.missed ?? [], missed);
  }

  /** Follows the chain of pages to its end. Returns what ended it before, if anything did. */
  async #follow(batch: Batch, chain: Chain): Promise<Failure | undefined> {
    const { poll, report } = this.#state;
    let step: Step = { page: chain.page };
    while (step !== 'end') {
      const { page, after }: { page: number; after?: string } = step;
      try {
        const summary = summarizeRequest(batch, page);
        const seen = await this.#twitch.pollPage.executeWithOptions({ summary }, [
          { poll, batch, page, ...(after !== undefined && { after }) },
        ]);
        report.pages += 1;
        report.requests += 1;
        if (batch.kind === 'game') report.gameRequests += 1;
        noteFailedRequests(report, seen.failedRequests);
        this.#slices.addPage({ batch: batch.no, page, streams: seen.streams }, seen.unseen);
        step = afterPage(chain, seen, takesNewSteps);
      } catch (error) {
        const failure = activityFailureCause(error);
        noteFailedRequests(report, failure.failedRequests);
        if (failure.type !== 'TwitchInvalidCursor') return failure;
        step = afterInvalidCursor(chain, takesNewSteps);
      }
    }
    return undefined;
  }

  async #setAside({ kind, ids }: Batch, { refused, unpolled }: Bisection, refusedBefore: boolean): Promise<void> {
    const { report } = this.#state;
    const accepted = refusedBefore && refused.length + unpolled.length === 0 ? ids : [];
    for (const { id, reason } of refused) noteProblem(report, `Twitch refuses ${kind} ${id}: ${reason}`);
    if (!refusedBefore) report.refused += refused.length;
    report.refused = Math.max(0, report.refused - accepted.length);
    if (refused.length + accepted.length > 0) await noteRefused({ kind, refused, accepted });
  }
}

function missedOf({ no, kind }: Batch, ids: readonly string[], hot: boolean): Missed {
  const [first = '', ...more] = [...ids].sort();
  const range = { kind, first, last: more.at(-1) ?? first, targets: ids.length };
  return { firstBatch: no, lastBatch: no, ...range, ...(hot && { hot }) };
}

/** Whether a request for fewer of the ids may not fail so. One game's page that is too large says nothing of the game. */
function mayBeOfIds({ type }: Failure, kind: Batch['kind'], ids: string[]): boolean {
  return type === 'TwitchBadRequest' || (type === 'TwitchTooLarge' && (kind === 'user' || ids.length > 1));
}

/** What made an activity fail, in words; anything else (a cancelled workflow) is thrown on. */
function activityFailureCause(error: unknown): Failure {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) {
    return { type: '', message: cause?.message ?? error.message, failedRequests: ['timeout'] };
  }
  const failedRequests = cause.details?.[0];
  return {
    type: cause.type ?? '',
    message: cause.message,
    failedRequests: Array.isArray(failedRequests) ? failedRequests.map(String) : [],
  };
}

function summarizeRequest({ no, kind, ids }: Batch, page: number): string {
  const range = ids.length === 1 ? ids[0] : `${ids[0]} to ${ids.at(-1)}`;
  return `batch ${no}: ${ids.length} ${kind} ids, ${range}${page > 0 ? `, page ${page + 1}` : ''}`;
}
