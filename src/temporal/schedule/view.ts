import { type Client, type ScheduleDescription, ScheduleNotFoundError } from '@temporalio/client';
import { within } from '../../lib/deadline.ts';
import { CHECK_SCHEDULE_MS, TEMPORAL_ANSWER_MS } from '../../poll/limits.ts';
import { readScheduleState } from './state.ts';

/** What readiness has to know of the schedule. */
export interface ScheduleView {
  exists: boolean;
  paused: boolean;
  /** Why it is paused. */
  note: string;
  /** The longest time between two of the polls to come; undefined when none are to come. */
  intervalSeconds: number | undefined;
}

const ASK_EVERY_MS = 10_000;

/**
 * The schedule as Temporal has it, asked for at most every ten seconds: it may have been made with another interval than
 * this worker's settings say, or be paused. Undefined as long as it could not be read, for example for want of the right
 * to; later, what was read last.
 *
 * @param client undefined while there is no connection
 */
export function scheduleView(
  client: () => Client | undefined,
  id: string,
  now = () => performance.now(),
): () => Promise<ScheduleView | undefined> {
  let view: ScheduleView | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const connected = client();
    if (!connected || now() - askedMs < ASK_EVERY_MS) return view;
    askedMs = now();
    const schedule = connected.schedule.getHandle(id);
    try {
      const asked = connected.withDeadline(Date.now() + CHECK_SCHEDULE_MS, () => schedule.describe());
      view = viewOf(await within(CHECK_SCHEDULE_MS, asked));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) {
        view = { exists: false, paused: false, note: '', intervalSeconds: undefined };
      }
    }
    return view;
  };
}

function viewOf({ state, info }: ScheduleDescription): ScheduleView {
  const times = info.nextActionTimes.map((time) => time.getTime());
  const gaps = times.slice(1).map((time, i) => (time - (times[i] as number)) / 1_000);
  return {
    exists: true,
    paused: state.paused,
    note: state.note ?? '',
    intervalSeconds: gaps.length > 0 ? Math.max(...gaps) : undefined,
  };
}

/** What the newest poll of the schedule that ended well has reported; undefined when there is none. @throws what Temporal says */
export async function lastReport(client: Client, id: string): Promise<unknown> {
  try {
    const { lastCompleted } = await client.withDeadline(Date.now() + TEMPORAL_ANSWER_MS, () =>
      readScheduleState(client, id),
    );
    return lastCompleted?.report;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
