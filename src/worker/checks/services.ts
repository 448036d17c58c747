import type { NativeConnection } from '@temporalio/worker';
import type { Secret } from '../../config/secret.ts';
import type { Check } from '../../http/check.ts';
import { CHECK_TEMPORAL_MS } from '../../poll/limits.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';
import type { StoreConnection } from '../../storage/dragonfly.ts';
import { checkNamespace, type TemporalSettings } from '../../temporal/connection.ts';
import type { TwitchClient } from '../../twitch/client.ts';

/** A refused or missing token is asked for again this often while nobody polls. */
const TOKEN_EVERY_MS = 10_000;

/**
 * Temporal answers and knows the namespace, and both workers are polling.
 *
 * @param waiting why there is no connection yet
 */
export function temporalCheck(
  settings: TemporalSettings,
  state: {
    connection: () => NativeConnection | undefined;
    workers: () => Record<string, string>;
    waiting: () => string | undefined;
  },
): Check {
  const { address, namespace } = settings;
  return async () => {
    const connection = state.connection();
    if (!connection) {
      return { ok: false, detail: state.waiting() ?? `connecting to Temporal at ${address} (TEMPORAL_ADDRESS)` };
    }
    await checkNamespace(connection, settings, CHECK_TEMPORAL_MS);
    const workers = Object.entries(state.workers());
    if (workers.length === 0) return { ok: false, detail: 'the workers are starting' };
    const idle = workers.find(([, runState]) => runState !== 'RUNNING');
    if (idle) return { ok: false, detail: `the worker of queue ${idle[0]} is ${idle[1].toLowerCase()}` };
    return { ok: true, detail: `namespace ${namespace} at ${address}` };
  };
}

/** The store answers a PING. */
export function storeCheck(connection: StoreConnection, url: Secret): Check {
  return async () => {
    if (connection.status !== 'ready') return { ok: false, detail: `no connection to ${url} (DRAGONFLY_URL)` };
    try {
      await connection.ping();
      return { ok: true, detail: String(url) };
    } catch (error) {
      return { ok: false, detail: `no answer from ${url} (DRAGONFLY_URL): ${(error as Error).message}` };
    }
  };
}

/** The broker takes messages. A topology that is not what we would declare is told, and works all the same. */
export function rabbitmqCheck(publisher: Pick<RabbitPublisher, 'status'>, url: Secret): Check {
  return () => {
    const { state, detail = 'not connected yet', degraded } = publisher.status();
    if (state !== 'ready') return { ok: false, detail: `${url} (RABBITMQ_URL) is ${state}: ${detail}` };
    return { ok: true, detail: degraded ? `${url}, degraded: ${degraded}` : String(url) };
  };
}

/**
 * There is an app access token, or nothing that speaks against getting one. As long as there is none one is asked for, so
 * that a wrong secret shows before anything is polled.
 */
export function twitchCheck(
  twitch: Pick<TwitchClient, 'tokenStatus' | 'prepareToken'>,
  now = () => performance.now(),
): Check {
  let askedMs = Number.NEGATIVE_INFINITY;
  let had = false;
  return () => {
    const { state, detail, expiresAt } = twitch.tokenStatus();
    if (state === 'ok') {
      had = true;
      return { ok: true, detail: expiresAt ? `token valid until ${expiresAt}` : 'token valid' };
    }
    if (now() - askedMs > TOKEN_EVERY_MS) {
      askedMs = now();
      // The status tells how it ended.
      twitch.prepareToken().catch(() => undefined);
    }
    if (state === 'failed') return { ok: false, detail: detail ?? 'no app access token from Twitch' };
    return { ok: had, detail: 'an app access token is being fetched' };
  };
}
