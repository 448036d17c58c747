import type { Duplex } from 'node:stream';
import { type ChannelModel, connect } from 'amqplib';
import type { Secret } from '../config/secret.ts';
import { BROKER_ANSWER_MS } from '../poll/limits.ts';

export interface RecoveryOptions {
  url: Secret;
  /** For the connection and its handshake. */
  connectTimeoutMs: number;
  heartbeatSeconds: number;
  /** Runs on each new connection before it is used; when it throws, the connection is closed and tried again. */
  setUp: (model: ChannelModel) => Promise<void>;
  /** @param attempt from 1, since the last success */
  retryDelayMs: (attempt: number) => number;
  onFailure: (error: Error) => void;
}

export interface Recovery {
  /** Ends the connection, and the attempts to make one. */
  close(): Promise<void>;
}

/** Connects with amqplib's own recovery, which goes on until it is closed. Never rejects. */
export async function connectWithRecovery(options: RecoveryOptions): Promise<Recovery> {
  const address = new URL(options.url.reveal());
  // Without a heartbeat a peer that vanished is never missed. The operator's own value stands.
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(options.heartbeatSeconds));
  let handshakeFromMs = 0;
  let handshakeEnded = () => {};
  const recovering = await connect(address.href, {
    // amqplib waits for a broker's greeting without end otherwise.
    timeout: options.connectTimeoutMs,
    noDelay: true,
    keepAlive: true,
    recovery: {
      waitForConnect: false,
      calculateDelay: options.retryDelayMs,
      setup: (model: ChannelModel) => {
        handshakeFromMs = Number.POSITIVE_INFINITY;
        handshakeEnded();
        return options.setUp(model);
      },
    },
  });
  // Without a listener a lost connection ends the process; `connect-failed` and the close event tell why.
  recovering.on('error', () => {});
  recovering.on('handler-error', options.onFailure);
  recovering.on('connect-failed', options.onFailure);
  recovering.on('connect-failed', () => handshakeEnded());
  recovering.on('reconnect-scheduled', ({ delay }) => {
    handshakeFromMs = performance.now() + delay;
  });
  return {
    async close() {
      // Of a connection that is made after the close amqplib 2.3.1 hears no errors: one that dies would end the process.
      if (performance.now() >= handshakeFromMs) {
        const ended = new Promise<void>((resolve) => {
          handshakeEnded = resolve;
        });
        await atMost(BROKER_ANSWER_MS, ended).catch(() => {});
      }
      await recovering.close();
    },
  };
}

/** Ends a connection in order if the broker answers in time, and by force if not: amqplib's close() waits for ever. */
export async function leave(model: ChannelModel): Promise<void> {
  await atMost(BROKER_ANSWER_MS, model.close()).catch(() => {});
  destroySocket(model);
}

/** amqplib has no way to leave a peer that does not answer: its socket is reached through the connection (2.3.1). */
export function destroySocket(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { stream?: Duplex };
  if (stream && !stream.destroyed) stream.destroy(new Error('the broker did not answer'));
}

/** @throws when `work` is not done in time; it goes on, unheeded */
export async function atMost<T>(ms: number, work: Promise<T>): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const late = () => deadline.reject(new Error(`the broker did not answer within ${ms} ms`));
  const timer = setTimeout(late, ms);
  try {
    return await Promise.race([work, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
