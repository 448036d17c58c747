import type { TwitchClient } from '../../twitch/client.ts';
import {
  HELIX_ENDPOINTS,
  type HelixResult,
  TOKEN_ENDPOINTS,
  TOKEN_RESULTS,
  type TwitchObserver,
} from '../../twitch/observer.ts';
import type { Instruments } from './instruments.ts';

/** Statuses that have a value of their own; any other counts under its hundred, such as `4xx`. */
const STATUSES = ['200', '400', '401', '403', '404', '429', '500', '502', '503', '504'];
const WITHOUT_ANSWER = ['network', 'timeout'];

function statusLabel(status: HelixResult['status']): string {
  if (typeof status === 'string' || STATUSES.includes(String(status))) return String(status);
  return `${Math.floor(status / 100)}xx`;
}

/** Requests to Twitch. */
export function twitchMetrics(
  instruments: Instruments,
  twitch: () => Pick<TwitchClient, 'lastRate' | 'paceMs' | 'tokenStatus'>,
): TwitchObserver {
  const requests = instruments.counter(
    'helix_requests_total',
    'Requests to Helix that have ended, by HTTP status, or by what kept an answer away (network, timeout, too_large, cancelled)',
    { endpoint: HELIX_ENDPOINTS, status: [...STATUSES, ...WITHOUT_ANSWER] },
  );
  const durations = instruments.histogram(
    'helix_request_duration_seconds',
    'Time from the start of a request to Helix to its last byte',
    [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15],
    { endpoint: HELIX_ENDPOINTS },
  );
  const tokens = instruments.counter(
    'token_requests_total',
    'Requests for an app access token (token) or whether it is valid (validate); refused: Twitch says no',
    { endpoint: TOKEN_ENDPOINTS, result: TOKEN_RESULTS },
  );
  instruments.gauge('token_valid', '1 while there is an app access token, 0 when Twitch gave none', () => {
    const state = twitch().tokenStatus().state;
    return state === 'none' ? undefined : Number(state === 'ok');
  });
  instruments.gauge(
    'helix_ratelimit_limit',
    'Size of the Helix bucket, as the last answer showed it',
    () => twitch().lastRate()?.limit,
  );
  instruments.gauge(
    'helix_ratelimit_remaining',
    'Points left in the Helix bucket, as the last answer showed it',
    () => twitch().lastRate()?.remaining,
  );
  instruments.gauge(
    'helix_pace_seconds',
    'Least time between two requests: above 0 while the bucket is nearly empty, as when another program uses the client id',
    () => twitch().paceMs / 1_000,
  );
  return {
    onHelix({ endpoint, status, ms }) {
      requests.inc({ endpoint, status: statusLabel(status) });
      durations.observe({ endpoint }, ms / 1_000);
    },
    onToken: (result) => tokens.inc(result),
  };
}
