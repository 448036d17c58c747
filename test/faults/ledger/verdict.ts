import type { FaultRecord } from '../fault.ts';
import type { Excuse } from './expectation.ts';

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
