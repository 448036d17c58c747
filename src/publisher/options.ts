import type { Secret } from '../config/secret.ts';
import type { Logger } from '../lib/log.ts';
import type { PublisherObserver } from './outcome.ts';
import type { TopologyMode } from './topology.ts';

/** Limits are those of `poll/limits.ts` by default. */
export interface PublisherOptions {
  url: Secret;
  topology: TopologyMode;
  logger: Logger;
  /** Begins the names of exchanges and queues. Default: none. */
  prefix?: string;
  /** How long the broker may take to confirm a message before its channel is given up. */
  confirmTimeoutMs?: number;
  /** For connection and handshake, and again for topology and channel. */
  connectTimeoutMs?: number;
  /** Messages sent and not yet confirmed, over all calls; at most 1,024, amqplib's own buffer. Default: 256. */
  maxInFlight?: number;
  /** How long `publish` waits for a connection before it gives its messages back. */
  unavailableWaitMs?: number;
  /** How long `publish` waits while the broker takes no messages (memory or disk alarm). */
  blockedWaitMs?: number;
  /** Heartbeat asked of the broker; a dead peer is noticed after two to three of them. */
  heartbeatSeconds?: number;
  observer?: PublisherObserver;
}

/** The options with all defaults filled in: one object for every part of the publisher. */
export type PublisherSettings = Required<PublisherOptions>;
