import type { Duplex } from 'node:stream';
import { type ChannelModel, connect } from 'amqplib';
import { within } from '../lib/deadline.ts';
import { BROKER_ANSWER_MS } from '../poll/limits.ts';
import { explainConnectFailure } from './brokerErrors.ts';
import type { PublisherSettings } from './options.ts';

/** Where the broker is, how long connection and handshake may take, and how often each side shows that it lives. */
type ConnectOptions = Pick<PublisherSettings, 'url' | 'connectTimeoutMs' | 'heartbeatSeconds'>;

function connectArguments({ url, connectTimeoutMs, heartbeatSeconds }: ConnectOptions) {
  const address = new URL(url.reveal());
  // Without a heartbeat a peer that vanished is never missed. The operator's own value stands.
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeatSeconds));
  // amqplib waits for a broker's greeting without end otherwise.
  return [address.href, { timeout: connectTimeoutMs, noDelay: true, keepAlive: true }] as const;
}

/** Connects once. End it with {@link leave}. @throws BrokerConfigurationError or what the network says */
export async function connectOnce(options: ConnectOptions): Promise<ChannelModel> {
  try {
    const model = await connect(...connectArguments(options));
    // Without a listener it would end the process; what follows from it arrives with 'close'.
    model.on('error', () => {});
    return model;
  } catch (error) {
    throw explainConnectFailure(error, options.url);
  }
}

export interface RecoverySteps {
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
export async function connectWithRecovery(options: ConnectOptions, steps: RecoverySteps): Promise<Recovery> {
  let handshakeFromMs = 0;
  let handshakeEnded = () => {};
  const [address, socketOptions] = connectArguments(options);
  const recovering = await connect(address, {
    ...socketOptions,
    recovery: {
      waitForConnect: false,
      calculateDelay: steps.retryDelayMs,
      setup: (model: ChannelModel) => {
        handshakeFromMs = Number.POSITIVE_INFINITY;
        handshakeEnded();
        return steps.setUp(model);
      },
    },
  });
  // Without a listener a lost connection ends the process; `connect-failed` and the close event tell why.
  recovering.on('error', () => {});
  recovering.on('handler-error', steps.onFailure);
  recovering.on('connect-failed', steps.onFailure);
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
        await within(BROKER_ANSWER_MS, ended).catch(() => {});
      }
      await recovering.close();
    },
  };
}

/** Ends a connection in order if the broker answers in time, and by force if not: amqplib's close() waits for ever. */
export async function leave(model: ChannelModel): Promise<void> {
  await within(BROKER_ANSWER_MS, model.close()).catch(() => {});
  destroySocket(model);
}

/** amqplib has no way to leave a peer that does not answer: its socket is reached through the connection (2.3.1). */
export function destroySocket(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { stream?: Duplex };
  if (stream && !stream.destroyed) stream.destroy(new Error('the broker did not answer'));
}
