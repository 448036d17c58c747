import type { Stream, TargetKind } from '../poll/model.ts';
import type { DiffStreamsInput, DiffStreamsResult } from '../poll/steps.ts';

/** A stream that could not be compared, and what the store said about it. */
export interface Skipped {
  stream: StagedStream;
  why: string;
}

export interface DiffRequest extends Omit<DiffStreamsInput, 'pages' | 'complete'> {
  streams: readonly StagedStream[];
  /** Targets whose batch was polled to its end and whose streams are all in this or earlier requests of this poll. */
  complete: { users: readonly string[]; games: readonly string[] };
  firstSight: 'announce' | 'silent';
  offlineAfterMisses: number;
  /** Until when users that are seen now are hot (Unix ms). */
  hotUntilMs: number;
  nowMs: number;
  /** Stops before the claimed streams' JSON would be longer than this, but never before the first. */
  claimBytes: number;
}

export type DiffResult =
  /** The store has lost this poll: nothing was compared. */
  | { lost: true }
  | (Omit<DiffStreamsResult, 'pagesDone' | 'lost' | 'skipped' | 'storeVersion'> & {
      lost: false;
      handled: number;
      storeVersion: number;
      /** Among those handled: streams that the script fails over by itself. */
      skipped: Skipped[];
    });

export interface StagedStream extends Stream {
  kind: TargetKind;
  startedMs: number;
}
