import { randomBytes } from 'node:crypto';
import { BROADCAST_MOST_MS } from '../poll/limits.ts';
import type { StreamEvent } from '../poll/model.ts';
import type { PollReport } from '../poll/report.ts';
import { StorePart } from './part.ts';

/** A series is a ring of so many slots of so many seconds: its size never grows. */
export const SERIES = {
  day: { slotSeconds: 300, slots: 288 },
  month: { slotSeconds: 3_600, slots: 720 },
} as const;
export type SeriesRange = keyof typeof SERIES;
const RANGES = Object.keys(SERIES) as SeriesRange[];

/** How long what is noted is gathered before it is written. */
const FLUSH_MS = 1_000;

/** What is counted. */
const SUMS = [
  'polls',
  'partialPolls',
  'failedPolls',
  'requests',
  'announced',
  'lagCount',
  'lagMs',
  'deliveryCount',
  'deliveryMs',
] as const;
/** Of what the most is kept. */
const MAXIMA = ['lagMostMs', 'deliveryMostMs', 'liveMost'] as const;
/** Of what the last value counts. */
const LASTS = ['live', 'targets'] as const;
type Sum = (typeof SUMS)[number];
type Maximum = (typeof MAXIMA)[number];
type Last = (typeof LASTS)[number];

/** What happened in a slot. `lag…` goes from a stream's start at Twitch, `delivery…` from its first sight, to the confirm. */
export type Slot = { /** Its beginning (Unix ms). */ atMs: number } & Record<Sum | Maximum, number> &
  Partial<Record<Last, number>>;

interface Confirmed {
  startedMs: number;
  detectedMs: number;
  /** By the clock of this process. */
  atMs: number;
}

/** What is to be added to the slots of a moment. */
export class Note {
  readonly add: Partial<Record<Sum, number>> = {};
  readonly most: Partial<Record<Maximum, number>> = {};
  readonly last: Partial<Record<Last, number>> = {};

  count(name: Sum, value = 1): void {
    if (isCount(value)) this.add[name] = (this.add[name] ?? 0) + value;
  }

  /** A duration of which number, sum and maximum are kept; what can't be one is left out. */
  time(name: 'lag' | 'delivery', ms: number): void {
    if (!(ms <= BROADCAST_MOST_MS)) return;
    // Clocks differ: what seems to be confirmed before it began has taken no time.
    const value = Math.max(0, Math.round(ms));
    this.count(`${name}Count`);
    this.count(`${name}Ms`, value);
    this.most[`${name}MostMs`] = Math.max(this.most[`${name}MostMs`] ?? 0, value);
  }

  is(name: Last, value: number): void {
    if (isCount(value)) this.last[name] = value;
  }

  atMost(name: Maximum, value: number): void {
    if (isCount(value)) this.most[name] = Math.max(this.most[name] ?? 0, value);
  }
}

/** Another version may have written what is read: a report, a slot. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * How it went over the last day and the last month, for people to look at: who notes something waits for nothing, and what
 * can't be written within a second or so is left out. All workers write into the same slots, by the store's clock.
 */
export class Series extends StorePart {
  readonly #writer = randomBytes(6).toString('base64url');
  #number = 0;
  #note: Note | undefined;
  #confirmed: Confirmed[] = [];
  #timer: NodeJS.Timeout | undefined;

  noteRequest(): void {
    this.#next().count('requests');
  }

  /** A poll that has told how it ended. */
  notePoll({ failedBatches, live, targets }: Pick<PollReport, 'failedBatches' | 'live' | 'targets'>): void {
    const note = this.#next();
    note.count('polls');
    if (failedBatches > 0) note.count('partialPolls');
    note.is('live', live);
    note.atMost('liveMost', live);
    note.is('targets', targets);
  }

  /** A poll that failed, or was ended by somebody. */
  noteFailedPoll(): void {
    const note = this.#next();
    note.count('polls');
    note.count('failedPolls');
  }

  /** Streams whose messages the broker has just confirmed. */
  noteAnnounced(events: readonly Pick<StreamEvent, 'startedAt' | 'detectedAt' | 'reason'>[]): void {
    if (events.length === 0) return;
    this.#next().count('announced', events.length);
    const atMs = Date.now();
    for (const { startedAt, detectedAt, reason } of events) {
      // All others were on air before they could be seen.
      const startedMs = reason === 'started' ? Date.parse(startedAt) : Number.NaN;
      this.#confirmed.push({ startedMs, detectedMs: Date.parse(detectedAt), atMs });
    }
  }

  /** Writes what was noted, which otherwise happens once a second. Never throws. */
  async flush(): Promise<void> {
    const [note, confirmed] = [this.#note, this.#confirmed];
    this.#note = undefined;
    this.#confirmed = [];
    if (!note) return;
    try {
      const nowMs = await this.nowMs();
      const aheadMs = nowMs - Date.now();
      for (const { startedMs, detectedMs, atMs } of confirmed) {
        note.time('lag', atMs + aheadMs - startedMs);
        note.time('delivery', atMs + aheadMs - detectedMs);
      }
      this.#number += 1;
      await this.write(note, nowMs, this.#writer, this.#number);
    } catch {
      // Without the store there is no poll either.
    }
  }

  /** @param number goes up with each note of the writer; one that was written already is not written again */
  async write(note: Note, nowMs: number, writer: string, number: number): Promise<void> {
    const places = RANGES.flatMap((range) => {
      const { slotSeconds, slots } = SERIES[range];
      const no = Math.floor(nowMs / (slotSeconds * 1_000));
      return [no % slots, no * slotSeconds * 1_000];
    });
    const keys = RANGES.map((range) => this.keys.series(range));
    await this.connection.noteSeries(keys.length, ...keys, writer, number, JSON.stringify(note), ...places);
  }

  /** The slots in which something was noted, oldest first, and the present moment (Unix ms). */
  async read(range: SeriesRange): Promise<{ nowMs: number; slots: Slot[] }> {
    const [nowMs, texts] = await Promise.all([this.nowMs(), this.connection.hvals(this.keys.series(range))]);
    const { slotSeconds, slots } = SERIES[range];
    const found = texts.flatMap((text) => readSlot(text, nowMs - slots * slotSeconds * 1_000, nowMs));
    return { nowMs, slots: found.sort((a, b) => a.atMs - b.atMs) };
  }

  #next(): Note {
    this.#note ??= new Note();
    this.#timer ??= setTimeout(() => {
      void this.flush().finally(() => {
        this.#timer = undefined;
        // Noted while it was written.
        if (this.#note) this.#next();
      });
    }, FLUSH_MS).unref();
    return this.#note;
  }
}

/** What was written by another version, or is no slot at all, is read as far as it goes. */
function readSlot(text: string, afterMs: number, untilMs: number): Slot[] {
  let kept: Record<string, unknown>;
  try {
    kept = Object(JSON.parse(text));
  } catch {
    return [];
  }
  const { at: atMs } = kept;
  if (!isCount(atMs) || atMs <= afterMs || atMs > untilMs) return [];
  const numbers = [...SUMS, ...MAXIMA].map((name) => [name, isCount(kept[name]) ? kept[name] : 0]);
  const lasts = LASTS.flatMap((name) => (isCount(kept[name]) ? [[name, kept[name]]] : []));
  return [{ atMs, ...Object.fromEntries([...numbers, ...lasts]) }];
}
