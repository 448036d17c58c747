import { proxyActivities } from '@temporalio/workflow';
// Only the activities' types: workflow code must not load what they work with.
import type { Activities } from '../activities/index.ts';
import {
  HEARTBEAT_TIMEOUT_MS,
  PUBLISH_ATTEMPT_MS,
  PUBLISH_RETRY,
  REQUEST_ATTEMPT_MS,
  REQUEST_ATTEMPTS,
  REQUEST_RETRY,
  STORE_ATTEMPT_MS,
  STORE_RETRY,
} from '../poll/limits.ts';

function options(startToCloseTimeout: number, { firstMs, mostMs }: typeof STORE_RETRY, maximumAttempts?: number) {
  const retry = { initialInterval: firstMs, maximumInterval: mostMs, ...(maximumAttempts && { maximumAttempts }) };
  return { startToCloseTimeout, heartbeatTimeout: HEARTBEAT_TIMEOUT_MS, retry };
}

/**
 * The store's activities retry for as long as it takes: without the store no poll can do anything, and the claims and
 * events of this one stay safe in its history. A killed worker is noticed by the missing heartbeat.
 */
export const { fetchTargets, noteRefused, diffStreams } = proxyActivities<
  Pick<Activities, 'fetchTargets' | 'noteRefused' | 'diffStreams'>
>(options(STORE_ATTEMPT_MS, STORE_RETRY));

/**
 * Nothing but the number of attempts ends it: any limit on the whole would count the wait in the rate-limited queue, which
 * lasts as long as the budget and the window say (50 waiting at 10 a minute: 5 minutes), or as no worker is there. Not
 * dispatched eagerly, for that would bypass the queue's limit.
 */
export function twitchActivities(taskQueue: string) {
  return proxyActivities<Pick<Activities, 'pollPage' | 'checkUsers'>>({
    taskQueue,
    allowEagerDispatch: false,
    ...options(REQUEST_ATTEMPT_MS, REQUEST_RETRY, REQUEST_ATTEMPTS),
  });
}

/**
 * What a poll has handed over; on slots of its own, and tried for as long as the broker is away.
 */
export function deliverActivities(taskQueue: string) {
  return proxyActivities<Pick<Activities, 'deliverEvents'>>({
    taskQueue,
    ...options(PUBLISH_ATTEMPT_MS, PUBLISH_RETRY),
  });
}

/**
 * Publishing is never given up by a timeout, only by the activity itself between two attempts: a timeout could start a
 * second publisher of the same events while the first still waits for its confirms.
 */
export const { publishStreams } = proxyActivities<Pick<Activities, 'publishStreams'>>(
  options(PUBLISH_ATTEMPT_MS, PUBLISH_RETRY),
);
