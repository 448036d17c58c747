import type { Stream, StreamEvent, TargetKind } from '../poll/model.ts';
import type { PollRef, UnpolledTargets } from '../poll/steps.ts';

/** A stream that could not be compared, and what the store said about it. */
export interface Skipped {
  stream: StagedStream;
  why: string;
}

export interface DiffRequest {
  poll: PollRef;
  /** The greatest version of the store that this poll has seen: a store that is below it has lost what was written. */
  storeVersion?: number | undefined;
  /** Who claims: the same for every attempt of one diff, another for each diff of the poll. */
  owner: string;
  streams: readonly StagedStream[];
  /** Targets whose batch was polled to its end and whose streams are all in this or earlier requests of this poll. */
  complete: { users: readonly string[]; games: readonly string[] };
  /** When the last complete poll began (Unix ms): a stream older than that that a game shows now has entered it. */
  lastCompleteMs: number;
  /** Targets that this poll did not reach, with times of their own. */
  unpolled?: readonly UnpolledTargets[] | undefined;
  firstSight: 'announce' | 'silent';
  offlineAfterMisses: number;
  /** Users that are seen now keep the full rhythm until then (Unix ms). */
  hotUntilMs: number;
  nowMs: number;
  /** Stops before the claimed streams' JSON would be longer than this, but never before the first. */
  claimBytes: number;
}

export type DiffResult =
  /** The store has lost this poll: nothing was compared. */
  | { lost: true }
  | {
      lost: false;
      handled: number;
      silent: number;
      ended: number;
      live: number;
      events: StreamEvent[];
      storeVersion: number;
      /** Among those handled: streams that the script fails over by itself. */
      skipped: Skipped[];
      /** Why misses were not, or not all, counted: the script fails over them. */
      uncounted?: string;
    };

export interface StagedStream extends Stream {
  kind: TargetKind;
  startedMs: number;
}
