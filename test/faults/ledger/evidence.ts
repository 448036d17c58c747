import type { FaultRecord } from '../fault.ts';
import type { Excuse } from './expectation.ts';
import type { Arrival } from './mailbox.ts';
import type { PollRecord } from './polls.ts';
import type { Doubt, TrueStream } from './truth.ts';

/** All that is known when a run is judged. Times in Unix milliseconds. */
export interface Evidence {
  /** When the targets were added, at the latest. */
  addedMs: number;
  firstSight: 'announce' | 'silent';
  /** How many targets a poll has to walk. */
  targets: number;
  streams: ReadonlyMap<string, TrueStream>;
  arrivals: readonly Arrival[];
  polls: readonly PollRecord[];
  /** For each stream the polls that have staged it. */
  readBy: ReadonlyMap<string, ReadonlySet<string>>;
  /** When a whole answer with the stream was first sent. */
  firstServedAtMs: (streamId: string) => number | undefined;
  faults: readonly FaultRecord[];
  doubts: readonly Doubt[];
}

/** Something that is not as it should be, with the stream that it is about. */
export interface Finding {
  streamId: string;
  what: string;
}

/** A message that came again with the same `messageId`, as it may under the fault that is named. */
export interface Repeat {
  streamId: string;
  atMs: number;
  fault: FaultRecord;
}

export interface Delays {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** What became of every stream. */
export interface Verdict {
  /** Streams that a target has shown. */
  goLives: number;
  arrived: number;
  lost: Finding[];
  unexpected: Finding[];
  repeats: Repeat[];
  repeatedOtherwise: Finding[];
  /** Two streams of one user in the wrong order although no fault struck. */
  disordered: Finding[];
  /** The same, under faults, where no order is promised. */
  disorderedUnderFaults: number;
  deadLettered: number;
  /** Streams that did not arrive and need not have: see {@link Excuse}. */
  missed: Record<Excuse, string[]>;
  delays: { quiet: Delays; underFaults: Delays };
}
