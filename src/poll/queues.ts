import { DEFAULT_INSTANCE, QUEUE_ENDINGS } from '../instance.ts';

/**
 * The task queue of the workflows and of all activities but `pollPage`: an installation's name. The other queues follow
 * from it, so that a poll needs no input to find them.
 */
export const TASK_QUEUE = DEFAULT_INSTANCE;
/** The rate-limited, activity-only queue of `pollPage`: its limit is the API limit of all workers together. */
export const TWITCH_TASK_QUEUE = QUEUE_ENDINGS.twitch;

/** The queue of `pollPage` that goes with an installation's task queue. */
export function twitchTaskQueueOf(taskQueue: string): string {
  return taskQueue === TASK_QUEUE ? TWITCH_TASK_QUEUE : `${taskQueue}-${QUEUE_ENDINGS.twitch}`;
}

/**
 * The activity-only queue of deliveries that goes with an installation's task queue: while the broker is away they must not
 * take the slots that polling needs.
 */
export function deliverTaskQueueOf(taskQueue: string): string {
  return `${taskQueue}-${QUEUE_ENDINGS.deliveries}`;
}
