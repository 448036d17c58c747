import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { settingsSchema } from '../../src/config/env.ts';
import * as limits from '../../src/poll/limits.ts';

const { PUBLISHER, TWITCH_REQUEST, SEND_WITHIN_MS, LEASE_MS, BROKER_ANSWER_MS } = limits;
const SECOND = 1_000;
const setting = settingsSchema.shape;

it('has a sentence for every limit', () => {
  const sentences = readFileSync(import.meta.filename, 'utf8');
  const without = Object.keys(limits).filter((name) => !new RegExp(`\\b${name}\\b`).test(sentences));
  assert.deepEqual(without, [], 'a limit that nothing else goes by stands where it is used');
});

/** Each value is less than the next. */
function rise(what: string, ...values: number[]): void {
  it(what, () => {
    for (const [i, value] of values.slice(1).entries()) assert.ok((values[i] as number) < value, values.join(' < '));
  });
}

describe('a worker that is gone', () => {
  rise(
    'is noticed by its heartbeats, of which two may be lost on the way',
    limits.BEAT_MS,
    limits.BEAT_PASSED_ON_MS,
    limits.HEARTBEAT_TIMEOUT_MS / 4,
  );
  rise(
    'is noticed by an activity that stood still before Temporal has started another attempt, and not for a late beat',
    3 * limits.BEAT_MS,
    limits.STOOD_STILL_MS,
    // The last beat that Temporal knows of may be as old as this when the standstill begins.
    limits.HEARTBEAT_TIMEOUT_MS - limits.BEAT_PASSED_ON_MS - limits.BEAT_MS,
  );
  rise(
    'is noticed by its heartbeats long before the attempt is over',
    2 * limits.HEARTBEAT_TIMEOUT_MS,
    Math.min(limits.STORE_ATTEMPT_MS, limits.PUBLISH_ATTEMPT_MS, limits.REQUEST_ATTEMPT_MS),
  );
});

describe('an attempt', () => {
  const token = TWITCH_REQUEST.totalTimeoutMs + limits.VALIDATE_MS;
  const turns = limits.REQUEST_SLOTS * limits.REQUEST_SPACING_MOST_MS;
  rise(
    'to poll a page has time for token and request, both twice, and for its turn while another client empties the bucket',
    2 * (token + TWITCH_REQUEST.totalTimeoutMs) + turns + 2 * limits.STORE_COMMAND_MS,
    limits.REQUEST_ATTEMPT_MS,
  );
  rise('with the store has time for several commands that fail', 8 * limits.STORE_COMMAND_MS, limits.STORE_ATTEMPT_MS);
  rise(
    'to open a poll has time for the schedule to tell the last report',
    limits.TEMPORAL_ANSWER_MS + 8 * limits.STORE_COMMAND_MS,
    limits.STORE_ATTEMPT_MS,
  );
  // Whatever is sent last is confirmed, or waits for an alarm to end, and is marked.
  const answered = SEND_WITHIN_MS + Math.max(PUBLISHER.confirmTimeoutMs, PUBLISHER.blockedWaitMs);
  rise(
    'to publish has time for the last confirm and its mark: Temporal never starts a second beside it',
    answered + 2 * limits.STORE_COMMAND_MS,
    limits.PUBLISH_ATTEMPT_MS,
  );
  rise(
    'to publish, and the wait for the next, are over before the claims run out',
    answered + limits.PUBLISH_RETRY.mostMs,
    LEASE_MS,
  );
  rise('to publish sends nothing that another owner may have', SEND_WITHIN_MS + PUBLISHER.confirmTimeoutMs, LEASE_MS);
  rise(
    'to publish hands over what was gathered before the claims run out',
    answered + limits.GATHER_MS,
    LEASE_MS,
    limits.DELIVERY_LEASE_MS,
  );
  rise(
    'to deliver comes again long before its claims run out',
    limits.DELIVERY_RETRY.leastMs,
    4 * limits.DELIVERY_RETRY.mostMs,
    limits.DELIVERY_LEASE_MS,
  );
});

describe('a broker that is away', () => {
  rise(
    'is found again before a publisher has done waiting for it, and asked again before a poll is',
    PUBLISHER.unavailableWaitMs / 2,
    limits.BROKER_RECONNECT.mostMs,
    limits.MISCONFIGURED_RECONNECT.mostMs,
    limits.ASK_BROKER_AGAIN_MS,
  );
  rise('is missed by its heartbeats within a claim', 3 * PUBLISHER.heartbeatSeconds * SECOND, LEASE_MS);
  rise(
    'holds the publishers of a poll for far less than its pages are kept',
    2 * (limits.GIVE_UP_MOST_SECONDS + limits.PUBLISH_ATTEMPT_MS / SECOND),
    limits.PAGE_TTL_SECONDS,
  );
  rise('leaves slots to the polls', limits.PUBLISHERS, limits.ACTIVITY_SLOTS / 10);
  rise('leaves slots to deliveries that only renew their claims', limits.DELIVERING_MOST, limits.DELIVERY_SLOTS / 2);
});

describe('what is kept in the store', () => {
  const requestsPerMinute = setting.TWITCH_REQUESTS_PER_MINUTE.parse(undefined);
  rise(
    'of a page outlives its slice, also with a hundredth of the usual budget, and another attempt of its diff',
    (limits.SLICE_PAGES * 60) / (requestsPerMinute / 100) + (2 * limits.STORE_ATTEMPT_MS) / SECOND,
    limits.PAGE_TTL_SECONDS,
  );
  rise('of an announced stream outlives the broadcast', limits.BROADCAST_MOST_MS, limits.MARK_MS);
  rise(
    'of a token is replaced before a request could outlive it',
    TWITCH_REQUEST.totalTimeoutMs,
    limits.TOKEN_MARGIN_MS,
  );
  rise(
    'of a list of targets outlives a worker that restarts, and tells soon that it has stopped',
    limits.LIST_SIGN_MS,
    limits.LIST_SILENT_MS,
    limits.STOP_MS + limits.STORE_START_MS + limits.LIST_SILENT_MS,
    limits.LIST_KEPT_MS / 2,
  );
  rise('waits for streams that show up late: three minutes were seen', 3 * 60 * SECOND, limits.VISIBILITY_LAG_MS);
});

describe('what enters a history', () => {
  rise('of one step stays below 64 KB', Math.max(limits.CLAIM_BYTES, limits.TARGETS_PER_CALL.bytes), 64 * 1024);
  rise(
    'as a message to a delivery holds what one diff claims, and stays below 2 MB whatever its characters are',
    2 * limits.CLAIM_BYTES,
    3 * limits.MESSAGE_CHARACTERS,
    2 * 1024 * 1024,
  );
  rise('of a delivery holds several messages', 2 * limits.MESSAGE_CHARACTERS, limits.DELIVERY_CHARACTERS);
});

describe('requests', () => {
  rise('of one kind of wait end before the whole', TWITCH_REQUEST.connectTimeoutMs, TWITCH_REQUEST.totalTimeoutMs);
  rise(
    'wait less for headers or body than for the whole',
    TWITCH_REQUEST.headersTimeoutMs,
    TWITCH_REQUEST.totalTimeoutMs,
  );
  rise('are checked for their token in less time than they take', limits.VALIDATE_MS, TWITCH_REQUEST.totalTimeoutMs);
  rise(
    'in a window fill the slots of one worker, and do not wedge their workflow',
    limits.REQUEST_SLOTS - 1,
    limits.REQUEST_WINDOW,
    limits.REQUEST_WINDOW_MOST,
    1_000,
  );
});

describe('a service that was away', () => {
  rise(
    'is found again while commands and workers that start wait for it',
    limits.STORE_RECONNECT.mostMs,
    limits.COMMAND_CONNECT_MS,
    2 * (limits.STORE_CONNECT_MS + limits.STORE_RECONNECT.mostMs),
    limits.STORE_START_MS,
  );
  rise(
    'is asked again, whichever it is, long before polls count as stuck',
    Math.max(
      ...[limits.FAILED_RETRY, limits.STORE_RETRY, limits.REQUEST_RETRY, limits.PUBLISH_RETRY].map(
        (each) => each.mostMs,
      ),
      limits.TEMPORAL_CONNECT_MS + limits.TEMPORAL_RECONNECT.mostMs,
    ),
    (limits.STUCK_POLLS.leastSeconds * SECOND) / 3,
  );
  rise(
    'for one full wait for the bucket makes no poll stuck',
    limits.RATE_RESET_MOST_MS + TWITCH_REQUEST.totalTimeoutMs,
    limits.STUCK_POLLS.leastSeconds * SECOND,
  );
  rise('for such a wait takes one attempt, and leaves others', 2, limits.REQUEST_ATTEMPTS);
  rise(
    'for less than the usual interval costs no poll',
    setting.POLL_INTERVAL_SECONDS.parse(undefined) * SECOND,
    limits.CATCHUP_WINDOW_MS,
  );
});

describe('a connection to the HTTP server', () => {
  rise(
    'is not idle while a page follows the feed, with a sign that is late',
    2 * limits.FEED_SIGN_MS,
    limits.HTTP_IDLE_MS,
  );
  rise(
    'gets a page in time that waits for its parts, each check among them',
    limits.CHECK_MS,
    limits.PAGE_PART_MS,
    limits.HTTP_REQUEST_MS / 2,
  );
  rise('outlives a request', limits.HTTP_REQUEST_MS, limits.HTTP_IDLE_MS);
});

describe('readiness', () => {
  rise(
    'is answered in time: each part before its check, each check before the request',
    Math.max(limits.CHECK_TEMPORAL_MS, limits.CHECK_SCHEDULE_MS, limits.CHECK_AGE_MS),
    limits.CHECK_MS,
    limits.HTTP_REQUEST_MS,
  );
  rise('looks at open polls once the last look is over', limits.TEMPORAL_ANSWER_MS, limits.LOOK_EVERY_MS);
  rise(
    'gives up on a poll sooner than on its targets, and on neither while a broker is given up on',
    limits.GIVE_UP_MOST_SECONDS,
    limits.STUCK_POLLS.leastSeconds,
    limits.MISSED_POLLS.leastSeconds,
  );
  rise('gives up on a poll sooner than on its targets', limits.STUCK_POLLS.intervals, limits.MISSED_POLLS.intervals);
});

describe('alerts', () => {
  const { everyMs, lookMs, leaseMs, silentMs, retry } = limits.ALERTS;
  rise(
    // Two looks and a turn of the store come before half the lease, one message after it.
    'a worker that tells of them holds its lease over a turn in which everything is late, and renews it until then',
    everyMs + 2 * lookMs + limits.STORE_COMMAND_MS,
    leaseMs,
  );
  rise('a worker is not lost for two signs that did not come', 3 * everyMs, silentMs);
  rise('a worker is not lost while its looks take as long as they may', everyMs + 2 * lookMs, silentMs);
  rise('a webhook that fails is not asked at each turn', everyMs - 1, retry.firstMs, retry.mostMs);
});

describe('the end of a worker', () => {
  rise(
    'leaves time for the last confirms of what is cancelled',
    limits.STOP_CANCEL_MS + limits.ABORT_GRACE_MS,
    limits.STOP_LEAVE_MS,
  );
  it('leaves time for the last confirms of the publisher, and for the answer to its close', () => {
    assert.ok(limits.BROKER_DRAIN_MS + BROKER_ANSWER_MS <= limits.BROKER_CLOSE_MS);
  });
  rise(
    'fits into its time, with the closing of the services, and then of HTTP and Temporal',
    // The store is closed after alerts.
    limits.STOP_LEAVE_MS + Math.max(limits.BROKER_CLOSE_MS, 2 * limits.CLOSE_MS) + limits.CLOSE_MS,
    limits.STOP_MS,
  );
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true });
  for (const name of ['worker', 'sandbox-worker']) {
    rise(
      `fits into what Docker gives the service ${name}`,
      limits.STOP_MS / SECOND,
      Number.parseInt(services[name].stop_grace_period, 10),
    );
  }
});
