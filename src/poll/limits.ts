import type { Backoff } from '../lib/backoff.ts';

/**
 * The limits that depend on one another: how long things may take, how often they are tried, how many go on at a time.
 * `test/poll/limits.test.ts` says how they depend. A limit that nothing else goes by (the length of a text, a cap of one
 * parser) stands where it is used.
 */

// Activities: how Temporal notices that a worker is gone, and an activity that it was.

/** From one heartbeat to the next, in all activities. */
export const BEAT_MS = 1_000;
/** The SDK passes on one beat in so long. By itself it would wait for 80 % of the timeout: no room for one that is lost. */
export const BEAT_PASSED_ON_MS = 2_000;
/** Without a beat for so long Temporal takes an activity's worker for dead, and starts another attempt. */
export const HEARTBEAT_TIMEOUT_MS = 10_000;
/**
 * An activity that was frozen for longer than this (a stopped process, a paused machine, a starved one) may have been
 * given up by Temporal, and be carried out elsewhere by now.
 */
export const STOOD_STILL_MS = 5_000;
/** After a failure of the store or of Twitch. The activity says so; the retry policies are for workers that are killed. */
export const FAILED_RETRY: Backoff = { firstMs: 500, mostMs: 10_000, lessByChance: 0.5 };

// The store.

/** A command without an answer fails after this; it may have been carried out. */
export const STORE_COMMAND_MS = 5_000;
export const STORE_CONNECT_MS = 5_000;
export const STORE_RECONNECT: Backoff = { firstMs: 200, mostMs: 2_000, lessByChance: 0.25 };
/** How long a worker waits for the store when it starts: without it, it only collects failed attempts. */
export const STORE_START_MS = 30_000;
/** One attempt of an activity that works with the store. */
export const STORE_ATTEMPT_MS = 60_000;
export const STORE_RETRY: Backoff = { firstMs: 500, mostMs: 5_000 };
/** A page is needed until its slice is diffed: seconds, or as long as the workers are away. */
export const PAGE_TTL_SECONDS = 15 * 60;
/** The greatest length of a broadcast: Twitch ends one after 48 hours. After a loss of state, what is older is over. */
export const BROADCAST_MOST_MS = 48 * 3_600_000;
/** A mark outlives the last sight of its stream by this, so that one that comes back is known. */
export const MARK_MS = 7 * 24 * 3_600_000;
/**
 * A worker's list of targets is kept so long after its last sign, and what no list names any more leaves then. Longer than
 * a worker takes to restart, so that a restart, or a deployment one worker after the other, ends nothing.
 */
export const LIST_KEPT_MS = 10 * 60_000;
/** How often a worker gives a sign. */
export const LIST_SIGN_MS = 30_000;
/** A list without a sign for so long belongs to no running worker. */
export const LIST_SILENT_MS = 3 * LIST_SIGN_MS;
/** How late a stream may show up in Twitch's API after its start: 1 to 3 minutes were reported, here with a margin. */
export const VISIBILITY_LAG_MS = 10 * 60_000;

// Twitch.

/** One HTTP request, `totalTimeoutMs` with its wait for a connection: undici's 300 s cut to what a poll can wait. */
export const TWITCH_REQUEST = {
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  totalTimeoutMs: 15_000,
};
/** A token is only checked at /validate: when it is slow, it must not take the time of the request that it precedes. */
export const VALIDATE_MS = 5_000;
/** A token is replaced this long before it expires, or at 9/10 of its life. */
export const TOKEN_MARGIN_MS = 60_000;
/** The bucket refills once a minute, so no honest reset is further away; a larger one is a skewed clock or a bad header. */
export const RATE_RESET_MOST_MS = 60_000;
/** However empty the bucket is, one request is sent this often: its answer shows whether the bucket has filled again. */
export const REQUEST_SPACING_MOST_MS = 2_000;
/** Requests of a poll in flight or waiting in the rate-limited queue: enough that it never runs dry. */
export const REQUEST_WINDOW = 50;
/** The widest window that one may ask for: 2,000 pending activities wedge a workflow, and it slows down long before. */
export const REQUEST_WINDOW_MOST = 100;
/** Requests that one worker carries out at a time. */
export const REQUEST_SLOTS = 50;
/** One attempt, from the worker's start of it: token, request, both again if the token was refused, and its turn. */
export const REQUEST_ATTEMPT_MS = 5 * 60_000;
/**
 * Attempts of a request. With their waits they ride out a short failure of Twitch, or one full wait for
 * `Ratelimit-Reset`; for a longer one the next poll is the retry.
 */
export const REQUEST_ATTEMPTS = 6;
export const REQUEST_RETRY: Backoff = { firstMs: 1_000, mostMs: 10_000 };

// From a claim to the mark.

/** Pages or complete batches that make a slice. Slices are cut earlier when a page shows a stream that is new. */
export const SLICE_PAGES = 20;
/** Publish activities of a poll at a time: enough that slices do not wait for each other's confirms. */
export const PUBLISHERS = 10;
/**
 * How long a claim keeps other polls off a stream whose owner neither publishes nor renews (its workflow was terminated).
 * Longer than one attempt to publish and the wait for the next.
 */
export const LEASE_MS = 60_000;
/** Nothing is sent later than this after its claim was renewed. */
export const SEND_WITHIN_MS = LEASE_MS / 2;
/** One attempt to publish: never ended by Temporal, which could start a second one while the first waits for confirms. */
export const PUBLISH_ATTEMPT_MS = 60_000;
/** After an attempt that the broker did not take. */
export const PUBLISH_RETRY: Backoff = { firstMs: 500, mostMs: 10_000 };
/**
 * How long a broker may fail before its events are handed over, where the interval is longer: they hold the publishers, and
 * what is staged meanwhile expires.
 */
export const GIVE_UP_MOST_SECONDS = 60;
/** How long after the broker has failed a poll that goes on asks it again. */
export const ASK_BROKER_AGAIN_MS = 30_000;
/** How long events are gathered before they go to the delivery. */
export const GATHER_MS = 10_000;
/**
 * The lease of claims that a delivery waits with. There may be thousands of deliveries, and workers that are down for
 * minutes: no other poll is to take what waits here.
 */
export const DELIVERY_LEASE_MS = 5 * 60_000;
/** A delivery waits a tenth of its age, within these limits: what waited for an hour may wait for another half minute. */
export const DELIVERY_RETRY = { share: 0.1, leastMs: 500, mostMs: 30_000 };
/** Deliveries of one process that publish at a time: all others fail at once and come again, so that slots stay free. */
export const DELIVERING_MOST = 16;
/** Deliveries that one worker holds at a time: those that may not publish only renew their claims. */
export const DELIVERY_SLOTS = 50;
/** All other activities of one worker: while the broker blocks, each attempt to publish holds its slot for half a minute. */
export const ACTIVITY_SLOTS = 200;

// What enters histories: Temporal refuses 2 MB in one piece, and a step is to stay below 64 KB.

/** What one read of targets returns: bytes of JSON are for unusually long ids, the usual ones make about 26 KB. */
export const TARGETS_PER_CALL = { ids: 2_000, bytes: 48_000 };
/** JSON of the streams that one diff may claim, without the rest of their events. */
export const CLAIM_BYTES = 36_000;
/** JSON of the events in one message to the delivery: characters, of three bytes at most. */
export const MESSAGE_CHARACTERS = 400_000;
/** What one delivery takes before another follows it: its history stays small, whatever a first import finds. */
export const DELIVERY_CHARACTERS = 2_000_000;

// The broker.

/** What a publisher goes by; its options say what each is. */
export const PUBLISHER = {
  confirmTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  unavailableWaitMs: 2_000,
  blockedWaitMs: 10_000,
  heartbeatSeconds: 5,
};
/** The broker is found again within about this time of its return. */
export const BROKER_RECONNECT: Backoff = { firstMs: 100, mostMs: 2_000, lessByChance: 0.25 };
/** The same while only the operator can help. */
export const MISCONFIGURED_RECONNECT: Backoff = { ...BROKER_RECONNECT, mostMs: 5_000 };
/** For confirms that are under way when an activity is cancelled. */
export const ABORT_GRACE_MS = 1_000;
/** For confirms that are under way when the publisher is closed. */
export const BROKER_DRAIN_MS = 1_500;
/** For the broker to answer a close: amqplib would wait without end. */
export const BROKER_ANSWER_MS = 1_500;

// Temporal.

/** A server that takes the connection and does not answer must not stop the attempts. */
export const TEMPORAL_CONNECT_MS = 10_000;
export const TEMPORAL_RECONNECT: Backoff = { firstMs: 250, mostMs: 5_000, lessByChance: 0.25 };
/** For an answer that no probe waits for. */
export const TEMPORAL_ANSWER_MS = 5_000;
/** How often the runs of polls that are open are looked at. */
export const LOOK_EVERY_MS = 10_000;
/** A start of a poll that was missed by more than this, while Temporal was down, is not made up for. */
export const CATCHUP_WINDOW_MS = 60_000;
/** For a service to answer when a person waits for a command. */
export const COMMAND_CONNECT_MS = 5_000;

// Readiness.

/** How long a probe waits for each check. */
export const CHECK_MS = 2_000;
/** How long a check's answer is given again without asking. */
export const CHECK_AGE_MS = 1_000;
/** For Temporal's answer, within a check. */
export const CHECK_TEMPORAL_MS = 1_500;
export const CHECK_SCHEDULE_MS = 1_000;
/** A connection to our HTTP server on which nothing goes in either direction. */
export const HTTP_IDLE_MS = 15_000;
/** How often a page that follows the feed gets a sign, so that nobody takes its connection for idle. */
export const FEED_SIGN_MS = 5_000;
/** How long a page waits for each of its parts: it shows what it has by then. */
export const PAGE_PART_MS = 3_000;
/** A request to our HTTP server, from either side. */
export const HTTP_REQUEST_MS = 10_000;
/** Polls are stuck when none has got through for so many intervals: room for two that fail. */
export const STUCK_POLLS = { intervals: 3, leastSeconds: 90 };
/** Targets are not reached when so many polls in a row have missed them: one failure is the next poll's to mend. */
export const MISSED_POLLS = { intervals: 10, leastSeconds: 10 * 60 };

// Alerts.

/**
 * How often alerts are judged; how long a look waits for each service, of which a turn takes two; for how long a worker that
 * tells of them is the only one; after how long without a sign it is lost; and when a webhook that failed is tried again.
 */
export const ALERTS = {
  everyMs: 5_000,
  lookMs: 5_000,
  leaseMs: 30_000,
  silentMs: 30_000,
  retry: { firstMs: 5_000, mostMs: 5 * 60_000 },
};

// The end of a worker: each part has its time, and together they fit into what a supervisor gives.

/** What activities have in hand is done within seconds; what is not is cancelled then. */
export const STOP_CANCEL_MS = 8_000;
/** What has not ended by then is left to Temporal, which starts it again elsewhere. */
export const STOP_LEAVE_MS = 10_500;
/** The publisher waits for outstanding confirms, and for a broker that answers late. */
export const BROKER_CLOSE_MS = 3_000;
/** Each other connection; HTTP and Temporal follow when the services are closed. */
export const CLOSE_MS = 1_000;
/** Everything in all, ended by force: container runtimes and supervisors tend to kill after 10 to 30 seconds. */
export const STOP_MS = 15_000;
