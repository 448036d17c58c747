import type { Arrival } from '../../support/mailbox.ts';
import type { FaultRecord } from '../fault.ts';
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
