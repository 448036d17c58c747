/**
 * The installation's name unless `INSTANCE` says another. What belongs to an installation is named after it: its keys in
 * the store (`storage/keys.ts`) and, by the names below, its task queues, its schedule and its workflows, so that several
 * can share a Temporal namespace, a store and a broker.
 */
export const DEFAULT_INSTANCE = 'stream-poller';

/** What the names of an installation's further task queues end in. An installation's own name must not: they could meet. */
export const QUEUE_ENDINGS = { twitch: 'twitch-helix', deliveries: 'deliver' } as const;

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

/** The workflow that a poll is. By name: whoever schedules it must not load workflow code. */
export const POLL_WORKFLOW_TYPE = 'pollStreams';
/** The workflow that brings events to a broker that was away. */
export const DELIVER_WORKFLOW_TYPE = 'deliverStreams';

/** A poll's workflow id is this and the time for which it was scheduled. */
export function pollWorkflowId(instance: string): string {
  return instance === DEFAULT_INSTANCE ? 'poll-streams' : `${instance}-poll-streams`;
}

/**
 * A poll's id: its claims, its staged pages and its deliveries go by it, so no two polls may share one. Polls that wait
 * behind each other can have the same workflow id (a schedule names them by the second), and run ids begin with the
 * time: only their end is random.
 */
export function pollIdOf(workflowId: string, firstRunId: string): string {
  return `${workflowId}:${firstRunId.slice(-12)}`;
}
