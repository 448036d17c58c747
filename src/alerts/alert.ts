import type { PollReport } from '../poll/report.ts';

/** `critical`: nothing is detected or delivered, or will be soon; `warning`: it works, but somebody should look. */
export type Severity = 'critical' | 'warning';

/**
 * What a judge finds: words about what is wrong; `false` when all is well; `undefined` when it can't be told, which neither
 * raises an alert nor ends one.
 */
export type Verdict = string | false | undefined;

export interface Alert {
  /** Also the heading of its section in `docs/runbook.md`. */
  name: string;
  severity: Severity;
  summary: string;
  /** The first thing to do, in one line. */
  advice: string;
  /** The condition for Prometheus, with one result for each `job`, that is, for each installation. */
  expr: string;
  /** How long the condition must hold, in Prometheus and here. */
  forSeconds: number;
  /**
   * The same condition over what a worker knows; absent where only Prometheus can tell, which has its reason beside it.
   * `process` says that each worker judges its own, `system` that one can judge for all.
   */
  here?: { scope: 'process' | 'system'; judge: (snapshot: Snapshot) => Verdict };
}

interface Check {
  ok: boolean;
  detail: string;
}

/** What one worker knows at a moment; what it could not find out is absent. */
export interface Snapshot {
  /** Unix milliseconds, by the store's clock if it could be asked. */
  nowMs: number;
  /** The schedule's, else the setting's. */
  intervalSeconds: number;

  // Of this process.
  temporal?: Check;
  store?: Check;
  broker?: { state: string; detail?: string };
  /** The app access token. */
  token?: { state: 'ok' | 'none' | 'failed'; detail?: string };
  /** Milliseconds between two requests while the bucket is shared or empty, else 0. */
  paceMs?: number;
  memory?: { usedBytes: number; limitBytes: number };
  /** Messages that the broker returned as unroutable in the last ten minutes. */
  returned?: number;

  // Of the system.
  /** `null`: there is none. */
  schedule?: { paused: boolean; note: string } | null;
  /** Polls that ended in the last quarter of an hour, the newest first; older ones only as far as these two say. */
  reports?: PollReport[];
  lastPoll?: { endMs: number; durationMs: number };
  lastCompleteMs?: number;
  /** Deliveries that wait for the broker. */
  deliveries?: number;
  deadLetters?: number;
  workers?: { taskQueue: string; workers: number }[];
  /** A workflow task of the running poll that fails again and again. */
  failingTask?: { workflowId: string; attempt: number };
  /** Workers that fell silent without saying goodbye, and that no other has replaced. */
  lostWorkers?: string[];
  /** From detection to confirm, of events confirmed in the last quarter of an hour, in seconds. */
  lagsSeconds?: number[];
}
