import { proxyActivities } from '@temporalio/workflow';
// Only the activities' types: workflow code must not load what they work with.
import type { Activities } from '../activities/index.ts';

/** A killed worker is noticed by the missing heartbeat. */
const NOTICED = { startToCloseTimeout: '1 minute', heartbeatTimeout: '10 seconds' } as const;

/**
 * The store's activities retry for as long as it takes: without the store no poll can do anything, and the claims and
 * events of this one stay safe in its history.
 */
export const { fetchTargets, noteRefused, diffStreams } = proxyActivities<
  Pick<Activities, 'fetchTargets' | 'noteRefused' | 'diffStreams'>
>({
  ...NOTICED,
  retry: { initialInterval: '500 ms', maximumInterval: '5 seconds' },
});

/**
 * Six attempts with their backoff ride out a short failure of Twitch or one full wait for `Ratelimit-Reset`; for a longer
 * one the next poll is the retry. Nothing but the attempts ends it: any limit on the whole would count the wait in the
 * rate-limited queue, which lasts as long as the budget and the window say (50 waiting at 10 a minute: 5 minutes), or as
 * no worker is there. One attempt is 15 s for the request, 20 s for a token, twice if the token was refused, and between
 * them up to 100 s in which 50 requests take turns while another client uses up the budget. Not dispatched eagerly, for
 * that would bypass the queue's limit.
 */
export function twitchActivities(taskQueue: string) {
  return proxyActivities<Pick<Activities, 'pollPage' | 'checkUsers'>>({
    taskQueue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '10 seconds',
    allowEagerDispatch: false,
    retry: { initialInterval: '1 second', maximumInterval: '10 seconds', maximumAttempts: 6 },
  });
}

/**
 * What a poll has handed over; on slots of its own, and tried for as long as the broker is away. The activity itself says
 * when to try again; the policy is for workers that are killed.
 */
export function deliverActivities(taskQueue: string) {
  return proxyActivities<Pick<Activities, 'deliverEvents'>>({
    taskQueue,
    ...NOTICED,
    retry: { initialInterval: '500 ms', maximumInterval: '10 seconds' },
  });
}

/**
 * Publishing is never given up by a timeout, only by the activity itself between two attempts: a timeout could start a
 * second publisher of the same events while the first still waits for its confirms. One attempt takes 30 s at most.
 */
export const { publishStreams } = proxyActivities<Pick<Activities, 'publishStreams'>>({
  ...NOTICED,
  retry: { initialInterval: '500 ms', maximumInterval: '10 seconds' },
});
