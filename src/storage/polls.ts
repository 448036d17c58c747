import { BROADCAST_MOST_MS, VISIBILITY_LAG_MS } from '../poll/limits.ts';
import type { PollReport } from '../poll/report.ts';
import type { PollRef } from '../poll/steps.ts';
import type { UnpolledRange, UnpolledTargets } from '../poll/unpolled.ts';
import { StorePart } from './part.ts';

/** Notes of progress come with every diff, hundreds a minute in a large poll; nobody needs to know it more finely than this. */
const NOTE_EVERY_MS = 1_000;
/** At a poll every 30 s those of the last four hours. */
export const REPORTS_KEPT = 500;

/** What a poll knows of the last finished one when it opens. */
export interface KnownPoll {
  /** Its start (Unix ms), 0 if none is known. */
  pollMs: number;
  /** The start of the last poll that reached every target (Unix ms), 0 if none is known. */
  completeMs: number;
  /** The greatest version of the store that it saw; absent if its report is from before there were versions. */
  storeVersion?: number;
}

/** When polls were last under way, in Unix milliseconds; 0 for never. */
export interface PollTimes {
  /** A poll began. */
  startedMs: number;
  /** A poll brought something to its end: streams of Twitch compared with the store, or a walk over no targets. */
  progressMs: number;
}

/** Targets that polls did not reach, as the script diffStreams reads them. */
export function exceptions(unpolled: readonly UnpolledTargets[]) {
  return unpolled.map(({ kind, first, last, sinceMs }) => ({ kind, first, last, before: sinceMs - VISIBILITY_LAG_MS }));
}

/**
 * The opening of polls, what they missed, and whether they get anywhere. Kept for all processes together: with several
 * workers, a small poll runs in one of them, and the others have to know too.
 */
export class Polls extends StorePart {
  #notedMs = 0;

  /**
   * Opens a poll, gives it its number, and finds out whether state was lost since the last finished one: the store has
   * then counted less than that one saw, because it came back empty or from a snapshot.
   *
   * @returns the poll's number, which is the store's version too
   */
  async open(poll: PollRef, known: KnownPoll, nowMs: number): Promise<{ lost: boolean; no: number }> {
    const { storeVersion } = known;
    // A clock that ran ahead in the last complete poll must not suppress what starts after it was set back.
    const silentBefore = Math.max(0, Math.min(known.completeMs, nowMs) - VISIBILITY_LAG_MS);
    const [lost, no] = await this.connection.openPoll(
      this.keys.meta,
      poll.id,
      poll.startedMs,
      storeVersion ?? 0,
      storeVersion === undefined ? known.pollMs : 0,
      silentBefore,
      nowMs + BROADCAST_MOST_MS,
    );
    return { lost: lost === 1, no };
  }

  /**
   * After a loss of state: streams of targets that polls had missed are suppressed only if they started before these were
   * polled last. To be called before anything is compared; safe to call again.
   */
  async noteUnpolledBeforeLoss(unpolled: readonly UnpolledTargets[]): Promise<void> {
    await this.connection.hset(this.keys.meta, 'silentExcept', JSON.stringify(exceptions(unpolled)));
  }

  /** Notes which targets the last poll, and those before it, did not reach: for the readiness of all processes. */
  async noteUnpolled(unpolled: readonly UnpolledRange[]): Promise<void> {
    if (unpolled.length === 0) await this.connection.hdel(this.keys.meta, 'unpolled');
    else await this.connection.hset(this.keys.meta, 'unpolled', JSON.stringify(unpolled));
  }

  async readUnpolled(): Promise<UnpolledRange[]> {
    return JSON.parse((await this.connection.hget(this.keys.meta, 'unpolled')) ?? '[]') as UnpolledRange[];
  }

  /** Notes progress, at most once a second. Nothing waits for it, and a note that is lost is made up for by the next. */
  noteProgress(nowMs = Date.now()): void {
    // A clock that was set back must not keep notes from being taken until it has caught up.
    if (Math.abs(nowMs - this.#notedMs) < NOTE_EVERY_MS) return;
    this.#notedMs = nowMs;
    this.connection.hset(this.keys.meta, 'progressAt', nowMs).catch(() => {
      // The activity that made the progress needs the store too, and says what is wrong with it.
      this.#notedMs = 0;
    });
  }

  /** A poll's start alone proves nothing: polls also start while Twitch can't be reached. @throws without an answer */
  async times(): Promise<PollTimes> {
    const [startedAt, progressAt] = await this.connection.hmget(this.keys.meta, 'lastPollAt', 'progressAt');
    return { startedMs: Number(startedAt ?? 0), progressMs: Math.max(Number(progressAt ?? 0), this.#notedMs) };
  }

  /** Keeps the report of a poll that has ended, for people to look at. */
  async keepReport(report: PollReport): Promise<void> {
    const { connection, keys } = this;
    await connection
      .multi()
      .lpush(keys.reports, JSON.stringify(report))
      .ltrim(keys.reports, 0, REPORTS_KEPT - 1)
      .exec();
  }

  /** Reports of polls, the newest that ended first. */
  async reports(limit: number): Promise<PollReport[]> {
    const texts = await this.connection.lrange(this.keys.reports, 0, limit - 1);
    return texts.map((text) => JSON.parse(text) as PollReport);
  }
}
