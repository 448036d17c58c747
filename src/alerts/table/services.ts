import { counted } from '../../lib/words.ts';
import type { Alert, Snapshot } from '../alert.ts';
import { grown, metric } from '../promql.ts';

/** Twitch fails when so much of what was asked in five minutes did: a few failures are the next attempt's to mend. */
const FAILING = { share: 0.1, requests: 3 };
/** Of those kinds that a report knows; what we ask for wrongly, and what the rate limit delays, is no fault of Twitch. */
const FAULTS = ['server', 'network', 'invalid_response', 'too_large', 'unauthorized'];
const WINDOW_MS = 5 * 60_000;
const FAILED = `${metric('helix_requests_total')}{status=~"5..|network|timeout"}`;

function twitchFails({ reports, nowMs }: Snapshot): string | false | undefined {
  const recent = reports?.filter(({ startedAt, durationMs }) => nowMs - Date.parse(startedAt) - durationMs < WINDOW_MS);
  if (!recent || recent.length === 0) return undefined;
  const requests = recent.reduce((sum, report) => sum + report.requests, 0);
  const failing = FAULTS.map((kind) => {
    const failed = recent.reduce((sum, report) => sum + (report.failedRequests[kind] ?? 0), 0);
    return { kind, failed };
  }).filter(({ failed }) => failed >= FAILING.requests && failed > FAILING.share * requests);
  return (
    failing.length > 0 && failing.map(({ kind, failed }) => `${kind}: ${failed} of ${requests} requests`).join(', ')
  );
}

/** A service does not answer. */
const away = (name: string, summary: string, advice: string, part: 'temporal' | 'store'): Alert => ({
  name,
  severity: 'critical',
  summary,
  advice,
  expr: `min by (job) (${metric(`${part}_ready`)}) == 0`,
  forSeconds: 60,
  here: {
    scope: 'process',
    judge: (snapshot) => {
      const check = snapshot[part];
      return check && !check.ok && check.detail;
    },
  },
});

/** Twitch, the broker, the store and Temporal. */
export const serviceAlerts: readonly Alert[] = [
  {
    name: 'TwitchFailing',
    severity: 'critical',
    summary: 'More than a tenth of the requests to Twitch fail',
    advice: 'see https://status.twitch.com; npm run client -- polls tells how they fail',
    expr:
      `sum by (job, status) (increase(${FAILED}[5m])) >= ${FAILING.requests}` +
      ` and on (job, status) (sum by (job, status) (increase(${FAILED}[5m])) / on (job) group_left ` +
      `sum by (job) (increase(${metric('helix_requests_total')}[5m])) > ${FAILING.share})`,
    forSeconds: 120,
    here: { scope: 'system', judge: twitchFails },
  },
  {
    name: 'TokenRejected',
    severity: 'critical',
    summary: 'There is no app access token: no request to Twitch is sent',
    advice: 'check TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET at https://dev.twitch.tv/console/apps',
    expr: `min by (job) (${metric('token_valid')}) == 0`,
    forSeconds: 60,
    here: {
      scope: 'process',
      judge: ({ token }) => token && token.state === 'failed' && (token.detail ?? 'Twitch gave none'),
    },
  },
  {
    name: 'BudgetExhausted',
    severity: 'warning',
    summary: 'The request budget is too small for the targets and the interval',
    advice: 'npm run client -- polls tells which interval, or how many targets, would fit',
    expr: `min by (job) (${metric('interval_kept')}) == 0`,
    forSeconds: 600,
    here: {
      scope: 'system',
      judge: ({ reports }) => {
        const [report] = reports ?? [];
        return report && (report.advice ?? false);
      },
    },
  },
  {
    name: 'BudgetShared',
    severity: 'warning',
    summary: 'Something else takes from the request budget of the same client id',
    advice: 'stop the other program, or lower TWITCH_REQUESTS_PER_MINUTE to what it leaves',
    expr: `max by (job) (${metric('helix_pace_seconds')}) > 0`,
    forSeconds: 300,
    here: {
      scope: 'process',
      judge: ({ paceMs }) =>
        paceMs === undefined ? undefined : paceMs > 0 && `requests are spaced by ${Math.round(paceMs)} ms more`,
    },
  },
  {
    name: 'BrokerUnavailable',
    severity: 'critical',
    summary: 'RabbitMQ can’t be reached: events wait',
    advice: 'start RabbitMQ or correct RABBITMQ_URL; what waits is delivered then by itself',
    expr: `min by (job) (${metric('broker_ready')}) == 0 unless on (job) (max by (job) (${metric('broker_blocked')}) == 1)`,
    forSeconds: 60,
    here: {
      scope: 'process',
      judge: ({ broker }) =>
        broker &&
        !['ready', 'blocked'].includes(broker.state) &&
        `${broker.state}: ${broker.detail ?? 'not connected yet'}`,
    },
  },
  {
    name: 'BrokerBlocked',
    severity: 'critical',
    summary: 'RabbitMQ takes no messages because of an alarm: events wait',
    advice: 'rabbitmq-diagnostics alarms; free memory or disk there',
    expr: `max by (job) (${metric('broker_blocked')}) == 1`,
    forSeconds: 60,
    here: {
      scope: 'process',
      judge: ({ broker }) => broker && broker.state === 'blocked' && (broker.detail ?? 'no reason was given'),
    },
  },
  {
    name: 'EventsUndelivered',
    severity: 'critical',
    summary: 'Events have waited for the broker for longer than a poll',
    advice: 'see that RabbitMQ runs and takes messages: npm run client -- status',
    expr: `max by (job) (${metric('undelivered_deliveries')}) > 0`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: ({ deliveries }) =>
        deliveries === undefined
          ? undefined
          : deliveries > 0 && `${counted(deliveries, 'delivery', 'deliveries')} of events`,
    },
  },
  {
    name: 'MessagesReturned',
    severity: 'critical',
    summary: 'The broker has no queue for our messages, and returns them',
    advice: 'bind a queue to the exchange twitch with the routing key stream.online, or set RABBITMQ_TOPOLOGY=declare',
    expr: `${grown(`${metric('publish_results_total')}{result="returned"}`, '10m')} > 0`,
    forSeconds: 0,
    here: {
      scope: 'process',
      judge: ({ returned }) =>
        returned === undefined ? undefined : returned > 0 && `${counted(returned, 'message')} in ten minutes`,
    },
  },
  {
    name: 'DeadLetters',
    severity: 'warning',
    summary: 'Consumers have refused messages, or failed to handle them',
    advice: 'fix the consumer, then move the messages back or purge the dead-letter queue',
    expr: `max by (job) (${metric('queue_messages')}{queue="dead"}) > 0`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: ({ deadLetters }) =>
        deadLetters === undefined ? undefined : deadLetters > 0 && counted(deadLetters, 'message'),
    },
  },
  away(
    'StoreUnavailable',
    'The store can’t be reached: polls can’t go on',
    'start the store or correct DRAGONFLY_URL',
    'store',
  ),
  away(
    'TemporalUnavailable',
    'Temporal can’t be reached: nothing is polled',
    'start Temporal or correct TEMPORAL_ADDRESS; polls go on where they were',
    'temporal',
  ),
];
