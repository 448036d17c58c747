import type { TargetKind } from './model.ts';

/** Targets of one kind that polls do not reach: all those from `first` to `last`, in bytewise order. Times in Unix ms. */
export interface UnpolledRange {
  kind: TargetKind;
  first: string;
  last: string;
  /** How many they are, by the last poll that tried. */
  targets: number;
  /** All of them were polled when a poll began that began then; 0 if that was never. */
  sinceMs: number;
  /** When the first poll began that did not reach them. */
  missedMs: number;
  /** Of the hot users only: each poll goes over them. */
  hot?: true;
}

/** What a comparison has to know of them. */
export type UnpolledTargets = Pick<UnpolledRange, 'kind' | 'first' | 'last' | 'sinceMs'>;

/** Batches of one poll, one behind the other in its walk, that it did not reach. */
export interface Missed {
  firstBatch: number;
  lastBatch: number;
  kind: TargetKind;
  first: string;
  last: string;
  targets: number;
  hot?: true;
}

/**
 * Ranges that a report names at most, each with times of its own. A poll that misses more is not complete: then nothing is
 * taken for polled since the last one that was.
 */
export const MOST_RANGES = 20;
/** Ranges that are kept during a poll, since more batches may join them. */
const MOST_KEPT = 200;

/** Adds batches that were missed, joined with their neighbours. Behind `MOST_KEPT` ranges nothing more is kept. */
export function addMissed(all: readonly Missed[], missed: Missed): Missed[] {
  if (all.length >= MOST_KEPT) return [...all];
  const joined: Missed[] = [];
  for (const next of [...all, missed].sort((a, b) => a.firstBatch - b.firstBatch)) {
    const before = joined.at(-1);
    if (before && next.firstBatch <= before.lastBatch + 1 && next.kind === before.kind && next.hot === before.hot) {
      const again = next.firstBatch <= before.lastBatch;
      before.lastBatch = Math.max(before.lastBatch, next.lastBatch);
      if (next.first < before.first) before.first = next.first;
      if (next.last > before.last) before.last = next.last;
      before.targets = again ? Math.max(before.targets, next.targets) : before.targets + next.targets;
    } else {
      joined.push({ ...next });
    }
  }
  return joined;
}

export interface GoneOver {
  startedMs: number;
  /** The start of the last poll that was complete, 0 if unknown. */
  lastCompleteMs: number;
  before: readonly UnpolledRange[];
  missed: readonly Missed[];
  /** The dormant users whose turn it was: behind `after`, up to and with `to` (absent: to the end); absent without turns. */
  turn?: { after?: string; to?: string };
}

/** The ranges that are not polled after a poll: those that it missed, and those whose turn it was not. */
export function unpolledAfter({ startedMs, lastCompleteMs, before, missed, turn }: GoneOver): UnpolledRange[] {
  const waiting = before.filter(
    (range) =>
      turn !== undefined &&
      range.kind === 'user' &&
      !range.hot &&
      !(range.last > (turn.after ?? '') && (turn.to === undefined || range.last <= turn.to)),
  );
  const now = missed.map(({ kind, first, last, targets, hot }): UnpolledRange => {
    const known = before.filter((range) => range.kind === kind && range.first <= last && first <= range.last);
    return {
      kind,
      first,
      last,
      targets,
      sinceMs: Math.min(lastCompleteMs, ...known.map((range) => range.sinceMs)),
      missedMs: Math.min(startedMs, ...known.map((range) => range.missedMs)),
      ...(hot && { hot }),
    };
  });
  return [...now, ...waiting];
}

/** Reads the ranges of a report that may have been written by another version of this code. */
export function readUnpolled(given: unknown): UnpolledRange[] {
  if (!Array.isArray(given)) return [];
  return given.slice(0, MOST_RANGES).flatMap((range) => {
    const { kind, first, last, targets, sinceMs, missedMs, hot } = (range ?? {}) as Partial<UnpolledRange>;
    const usable = (kind === 'user' || kind === 'game') && typeof first === 'string' && typeof last === 'string';
    if (!usable) return [];
    const times = { sinceMs: Number(sinceMs) || 0, missedMs: Number(missedMs) || 0 };
    return [{ kind, first, last, targets: Number(targets) || 0, ...times, ...(hot && { hot }) }];
  });
}
