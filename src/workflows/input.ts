import { ApplicationFailure } from '@temporalio/workflow';
import type { Allowance } from '../poll/bisection.ts';
import { REQUEST_WINDOW_MOST } from '../poll/limits.ts';
import { TWITCH_TASK_QUEUE } from '../poll/names.ts';
import type { LastPoll, PollReport } from '../poll/report.ts';
import type { PollRef } from '../poll/steps.ts';
import type { Missed } from '../poll/unpolled.ts';
import type { Cursor } from '../poll/walk.ts';

/** How a poll's events have got into deliveries so far. */
export interface Delivery {
  /** The number of the present one. */
  no: number;
  /** Characters that it has been given; 0 if it has not been begun. */
  characters: number;
}

/** The argument of `pollStreams`. Everything has a default, so that a schedule needs no input. */
export interface PollInput {
  /** Helix requests in flight or waiting in the rate-limited queue; enough that the queue never runs dry. Default 50. */
  window?: number;
  /** Continue as new after that many batches, even if Temporal does not suggest it yet. */
  batchesPerRun?: number;
  /** The queue of `pollPage`. Default: the one that goes with the poll's own queue, such as `twitch-helix`. */
  twitchTaskQueue?: string;
  /** What a poll hands to its next run; not for callers. */
  resume?: Resume;
}

/** The state of a poll between two of its runs. */
export interface Resume {
  poll: PollRef;
  intervalSeconds: number;
  requestsPerMinute: number;
  last: LastPoll;
  from: Cursor;
  /** How far the dormant users' turn has come, once it is known. */
  turn?: { after?: string };
  /** Diffs so far: numbers the owners of claims. */
  diffs: number;
  /** When the broker last failed this poll (Unix ms), unless it has worked again since. */
  brokerAwayMs?: number;
  /** Where events go that the broker did not take; absent before the first. */
  delivery?: Delivery;
  report: PollReport;
  /** What the poll did not reach so far; absent in runs that began before it was kept. */
  missed?: Missed[];
  /** What is left for finding refused ids. */
  bisecting?: Allowance;
}

/** Checks an input that may come from a command line. @throws ApplicationFailure that names each wrong field */
export function checkInput(input: unknown): PollInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw unusable(['expected one object, or no input at all']);
  }
  const isCount = (value: unknown, most: number) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  const expected: Record<keyof PollInput, [check: (value: unknown) => boolean, expectation: string]> = {
    window: [(value) => isCount(value, REQUEST_WINDOW_MOST), `a whole number from 1 to ${REQUEST_WINDOW_MOST}`],
    batchesPerRun: [(value) => isCount(value, 2_000), 'a whole number from 1 to 2000'],
    twitchTaskQueue: [
      (value) => typeof value === 'string' && value !== '',
      `the name of a task queue such as ${TWITCH_TASK_QUEUE}`,
    ],
    resume: [(value) => typeof value === 'object' && value !== null, 'nothing: only a poll itself sets it'],
  };
  const problems = Object.entries(input).flatMap(([field, value]) => {
    const rule = Object.hasOwn(expected, field) && expected[field as keyof PollInput];
    if (!rule) return [`${field}: no such field; there are window, batchesPerRun and twitchTaskQueue`];
    return value === undefined || rule[0](value) ? [] : [`${field}: expected ${rule[1]}`];
  });
  if (problems.length > 0) throw unusable(problems);
  return input;
}

function unusable(problems: string[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`The input of pollStreams is not usable: ${problems.join('; ')}`, 'BadInput');
}
