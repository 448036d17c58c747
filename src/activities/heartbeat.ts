import { activityInfo, heartbeat } from '@temporalio/activity';

const BEAT_MS = 1_000;

/**
 * Runs an activity's work with a heartbeat every second, so that Temporal notices within seconds, not only at
 * `startToCloseTimeout`, that the worker was killed. Each beat carries what `details` returns then.
 */
export async function heartbeating<T>(details: () => unknown, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(details()), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** What the last attempt of this activity left in its heartbeats: a list of strings, empty in the first attempt. */
export function lastHeartbeatList(): string[] {
  const details: unknown = activityInfo().heartbeatDetails;
  return Array.isArray(details) ? details.map(String) : [];
}
