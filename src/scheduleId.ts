/** The id of the schedule that starts the polls, unless the operator names another. */
export const SCHEDULE_ID = 'stream-poller';
