import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../../sandbox/system.ts';
import type { Random } from '../../sandbox/twitch/random.ts';
import type { Mailbox } from '../support/mailbox.ts';
import type { Cast } from './cast.ts';
import type { Fleet } from './fleet.ts';
import type { Staged } from './ledger/staged.ts';
import type { Truth } from './ledger/truth.ts';
import type { Life } from './life.ts';

/** What faults act on. */
export interface Stage {
  system: System;
  cast: Cast;
  fleet: Fleet;
  mailbox: Mailbox;
  staged: Staged;
  truth: Truth;
  life: Life;
  /** Tells of a promise that was broken before the eyes of a fault. */
  complain: (what: string) => void;
}

/** What a fault disturbs: two faults at a time never disturb the same part. */
export type Part = 'worker' | 'broker' | 'store' | 'temporal' | 'schedule' | 'twitch';

/** A kind of fault, and what it may and may not lead to. */
export interface FaultKind {
  name: string;
  part: Part;
  /** Shortest and longest duration in milliseconds, where it has one. */
  lasts?: readonly [number, number];
  /** May lead to a message that is sent again with the same `messageId`. Others must not. */
  mayRepeat?: true;
  /** Twitch answers 200 and hides streams: a poll meanwhile may be complete and not show what is visible. */
  hides?: true;
  /** The store loses everything. */
  loses?: true;
  /** Waits for something that only comes while all services are there, and a worker. */
  needsServices?: true;
  /** No worker runs meanwhile. */
  leavesNoWorker?: true;
  /** Adds workers beside those that run. */
  scales?: true;
  /** Takes several seconds to strike, or to be noticed. */
  slow?: true;
  /** Brings it about, lasts, and ends it: the service can be ready again from then on. Returns what is worth noting. */
  strike(stage: Stage, lastsMs: number, random: Random): Promise<string | undefined> | Promise<void>;
}

/** What goes on for a while: it begins, lasts, and ends. */
export interface Lasting extends Omit<FaultKind, 'strike'> {
  begin(stage: Stage): unknown;
  end(stage: Stage): unknown;
}

export function lasting({ begin, end, ...kind }: Lasting): FaultKind {
  return {
    ...kind,
    async strike(stage, lastsMs) {
      await begin(stage);
      await sleep(lastsMs);
      await end(stage);
      return `${(lastsMs / 1_000).toFixed(1)} s`;
    },
  };
}

/** A fault that happened. Times in Unix milliseconds. */
export interface FaultRecord {
  no: number;
  wave: number;
  kind: FaultKind;
  startMs: number;
  /** When the service could be ready again. */
  endMs: number;
  /** When it was: after that, nothing of this fault goes on. */
  recoveredMs: number;
  /** From the end of the last fault that struck together with it. Undefined: not within the limit. */
  recoverySeconds?: number;
  note?: string;
}
