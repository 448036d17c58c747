import { type Directory, makePlan, type PlanInput } from './plan.ts';

/** Whether sweeps of the directory are relied on, and what they have shown. Kept between polls. */
export interface SweepTrust {
  used: boolean;
  /** How many of the latest sweeps in a row speak for the opposite. */
  against: number;
  /** Trials in a row that failed: after each the next one waits longer. */
  failedTrials: number;
  /** By the latest sweeps, the last with half of the weight; absent before the first that told anything. */
  directory?: Directory;
}

/** What one sweep showed of the streams that answers by id had shown before it came by, and showed again behind it. */
export interface SweepResult extends Sample {
  /**
   * The youngest of them that the delay known so far lets expect: those that went live within two sweeps before that. A
   * directory that stands still shows all others.
   */
  young: Sample;
  /** For how long sweeps came by the latest go-lives without showing them, on average; those not shown yet count too. */
  delaySeconds: number;
  /** Requests that it took. */
  requests: number;
}

interface Sample {
  live: number;
  /** Of these, how many the sweep showed. */
  shown: number;
}

export const NO_TRUST: SweepTrust = { used: false, against: 0, failedTrials: 0 };

/** Fewer streams tell nothing of the directory. */
const LEAST_LIVE = { all: 50, young: 10 };
/** Sweeps in a row that it takes: it is easier to lose trust than to gain it. */
const TO_BEGIN = 3;
const TO_END = 2;
/** By how much sweeps must shorten the mean lag to be begun with. They end when the plan would do without them. */
const GAIN_TO_BEGIN = 1.1;
/** What trials take of the budget, while sweeps are not used. */
const TRIAL_SHARE = 0.02;
const TRIAL_SECONDS = { least: 600, most: 86_400 };

/** Judges by one more sweep. @param input what there is to be asked for */
export function judgeSweep(trust: SweepTrust, sweep: SweepResult, input: PlanInput): SweepTrust {
  const seen = read(sweep);
  if (!seen) return trust;
  const gain = gainOf(seen, input);
  const speaksAgainst = trust.used ? gain === 0 : gain >= GAIN_TO_BEGIN;
  const against = speaksAgainst ? trust.against + 1 : 0;
  const changes = against >= (trust.used ? TO_END : TO_BEGIN);
  return {
    used: changes !== trust.used,
    against: changes ? 0 : against,
    failedTrials: failedTrials(),
    directory: mix(trust.directory, seen),
  };

  function failedTrials(): number {
    if (trust.used) return changes ? 1 : 0;
    return speaksAgainst ? trust.failedTrials : trust.failedTrials + 1;
  }
}

/** How long after a trial the next one begins, while sweeps are not used. */
export function secondsToTrial({ failedTrials }: SweepTrust, requests: number, requestsPerMinute: number): number {
  const affordable = (requests * 60) / requestsPerMinute / TRIAL_SHARE;
  return Math.min(TRIAL_SECONDS.most, Math.max(affordable, TRIAL_SECONDS.least * 2 ** failedTrials));
}

function read({ live, shown, young, delaySeconds, requests }: SweepResult): Directory | undefined {
  if (live < LEAST_LIVE.all) return undefined;
  const youngShown = young.live < LEAST_LIVE.young ? 1 : young.shown / young.live;
  return { requests, recall: Math.min(1, shown / live, youngShown), delaySeconds: Math.max(0, delaySeconds) };
}

/** Mean lag without sweeps, divided by that with sweeps of such a directory; 0 if the plan does without them. */
function gainOf(directory: Directory, input: PlanInput): number {
  const { sweep, meanLagSeconds } = makePlan({ ...input, directory });
  return sweep ? makePlan({ ...input, directory: undefined }).meanLagSeconds / meanLagSeconds : 0;
}

function mix(before: Directory | undefined, now: Directory): Directory {
  if (!before) return now;
  const half = (field: keyof Directory) => (before[field] + now[field]) / 2;
  return { requests: half('requests'), recall: half('recall'), delaySeconds: half('delaySeconds') };
}
