/** The task queue of the workflows and of all activities but `pollPage`. */
export const TASK_QUEUE = 'stream-poller';
/** The rate-limited, activity-only queue of `pollPage`: its limit is the API limit of all workers together. */
export const TWITCH_TASK_QUEUE = 'twitch-helix';
