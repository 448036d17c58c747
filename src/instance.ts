/**
 * The installation's name unless `INSTANCE` says another. What belongs to an installation is named after it: its keys in
 * the store (`storage/keys.ts`), its task queues (`workflows/queues.ts`), its schedule and its workflows (`schedule.ts`),
 * so that several can share a Temporal namespace, a store and a broker.
 */
export const DEFAULT_INSTANCE = 'stream-poller';

/** What the names of an installation's further task queues end in. An installation's own name must not: they could meet. */
export const QUEUE_ENDINGS = { twitch: 'twitch-helix', deliveries: 'deliver' } as const;
