import { FAILURE_REASONS, type PublisherObserver } from '../../publisher/outcome.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';
import type { Instruments } from './instruments.ts';

/** Messages and the connection to the broker. */
export function publisherMetrics(
  instruments: Instruments,
  publisher: () => Pick<RabbitPublisher, 'status' | 'inFlight'>,
): PublisherObserver {
  const results = instruments.counter(
    'publish_results_total',
    'Attempts to bring a message to the broker, by how they ended; what is not confirmed is tried again',
    { result: ['confirmed', ...FAILURE_REASONS] },
  );
  const durations = instruments.histogram(
    'confirm_duration_seconds',
    "Time from sending a message to the broker's confirm",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  );
  const connections = instruments.counter('broker_connections_total', 'Connections to the broker that became ready');
  const state = () => publisher().status().state;
  instruments.gauge(
    'messages_in_flight',
    'Messages sent and not yet answered by the broker',
    () => publisher().inFlight,
  );
  instruments.gauge('broker_ready', '1 while the broker takes messages, else 0', () => Number(state() === 'ready'));
  instruments.gauge(
    'broker_blocked',
    '1 while the broker is connected and takes no messages (memory or disk alarm)',
    () => Number(state() === 'blocked'),
  );
  return {
    onOutcome({ result, ms }) {
      results.inc({ result });
      if (result === 'confirmed' && ms !== undefined) durations.observe(ms / 1_000);
    },
    onConnected: () => connections.inc(),
  };
}
