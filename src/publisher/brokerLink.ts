import type { ChannelModel } from 'amqplib';
import type { Secret } from '../config/secret.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { BROKER_ANSWER_MS, BROKER_RECONNECT, MISCONFIGURED_RECONNECT } from '../poll/limits.ts';
import { BrokerConfigurationError, brokerText, explainConnectFailure, vhostOf } from './brokerErrors.ts';
import { ConfirmWindow } from './confirmWindow.ts';
import { atMost, connectWithRecovery, destroySocket, leave, type Recovery } from './connection.ts';
import { applyTopology, brokerNames, type TopologyMode } from './topology.ts';

export interface LinkStatus {
  state: 'connecting' | 'ready' | 'blocked' | 'misconfigured' | 'closed';
  /** Why it is not ready, or why messages fail all the same (the broker does not confirm in time). */
  detail?: string;
  /** What of the topology differs from what is wanted, although messages can be published. */
  degraded?: string;
}

export interface LinkOptions {
  url: Secret;
  topology: TopologyMode;
  /** Begins the names of exchanges and queues. */
  prefix: string;
  logger: Logger;
  confirmTimeoutMs: number;
  /** For the connection and its handshake, and again for topology and channel. */
  connectTimeoutMs: number;
  heartbeatSeconds: number;
  /** Something changed: the window, its room, the status. */
  onChange: () => void;
}

/**
 * A connection that comes back by amqplib's own recovery, and one confirm channel on it. Whatever goes wrong leads to
 * one of two things: another channel on the same connection, or, when that fails, another connection.
 */
export class BrokerLink {
  readonly #options: LinkOptions;
  #recovery: Promise<Recovery> | undefined;
  #model: ChannelModel | undefined;
  #window: ConfirmWindow | undefined;
  #blocked: string | undefined;
  #repairing = false;
  #stopped = false;
  /** Why there is no connection. */
  #trouble: Error | undefined;
  /** Why messages fail although there is a connection; gone with the first that is confirmed. */
  #publishProblem: LinkStatus | undefined;
  #degraded: string | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Where to send now, if there is such a place. */
  get window(): ConfirmWindow | undefined {
    return this.#blocked === undefined && !this.#repairing ? this.#window : undefined;
  }

  /** Messages sent and not answered. */
  get inFlight(): number {
    return this.#window?.size ?? 0;
  }

  get status(): LinkStatus {
    const degraded = this.#degraded === undefined ? {} : { degraded: this.#degraded };
    if (this.#stopped) return { state: 'closed' };
    if (!this.#window || this.#repairing) {
      const state = this.#trouble instanceof BrokerConfigurationError ? 'misconfigured' : 'connecting';
      return this.#trouble ? { state, detail: this.#trouble.message, ...degraded } : { state, ...degraded };
    }
    if (this.#blocked !== undefined) {
      return { state: 'blocked', detail: `the broker takes no messages: ${this.#blocked}`, ...degraded };
    }
    return { state: 'ready', ...this.#publishProblem, ...degraded };
  }

  /** Starts connecting, again and again until {@link close}. Never throws. */
  start(): void {
    if (this.#recovery || this.#stopped) return;
    this.#recovery = connectWithRecovery({
      ...this.#options,
      setUp: (model) => this.#setUp(model),
      retryDelayMs: (attempt) => {
        const misconfigured = this.#trouble instanceof BrokerConfigurationError;
        return backoffMs(attempt, misconfigured ? MISCONFIGURED_RECONNECT : BROKER_RECONNECT);
      },
      onFailure: (error) => this.#onTrouble(error),
    });
  }

  /** Declares the topology again after the broker could not route a message, so that the next attempt succeeds. */
  async #repair(reason: string): Promise<void> {
    const { topology, logger, connectTimeoutMs } = this.#options;
    const model = this.#model;
    if (topology !== 'declare') {
      const detail = `${reason}: bind a queue to the exchange, or set RABBITMQ_TOPOLOGY=declare`;
      this.#publishProblem = { state: 'misconfigured', detail };
      return;
    }
    if (this.#repairing || !model) return;
    this.#repairing = true;
    try {
      logger.warn({ reason }, 'declaring exchanges and queues again');
      await atMost(connectTimeoutMs, this.#applyTopology(model));
    } catch (error) {
      await this.#drop(model, error);
    } finally {
      this.#repairing = false;
      this.#options.onChange();
    }
  }

  /** Ends it. Settles within 4 s, whether the broker answers or not. */
  async close(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const model = this.#model;
    const stopped = this.#recovery?.then((recovery) => recovery.close());
    if (stopped) await atMost(BROKER_ANSWER_MS, stopped).catch(() => {});
    // Recovery does not close a connection whose setup is under way, and waits for an answer without end.
    if (model) await leave(model);
    this.#window?.fail({ reason: 'closed', message: 'the publisher was closed' });
    this.#options.onChange();
  }

  async #setUp(model: ChannelModel): Promise<void> {
    const { url, logger, connectTimeoutMs } = this.#options;
    // amqplib attaches its own listeners only after this: until then a dying socket would be an uncaught error.
    model.on('error', (error) => logger.debug({ error: brokerText(error) }, 'RabbitMQ connection error'));
    let dead: Error | undefined;
    model.once('close', (error) => {
      dead = error ?? new Error('the connection was closed');
      this.#onConnectionClosed(model, dead);
    });
    model.on('blocked', (reason) => this.#onBlocked(model, reason));
    model.on('unblocked', () => this.#onBlocked(model, undefined));
    this.#model = model;
    try {
      if (this.#stopped) throw new Error('the publisher was closed');
      await atMost(connectTimeoutMs, this.#openWindow(model));
    } catch (error) {
      const cause = dead ?? error;
      // amqplib closes the model of a failed setup itself, and would wait for the answer without end.
      await this.#drop(model, cause);
      throw cause;
    }
    // A connection that died meanwhile would be adopted by amqplib and never be replaced.
    if (dead) throw dead;
    this.#trouble = undefined;
    logger.info({ url: String(url) }, 'connected to RabbitMQ');
  }

  async #openWindow(model: ChannelModel): Promise<void> {
    const { confirmTimeoutMs, topology, prefix, onChange } = this.#options;
    await this.#applyTopology(model);
    const channel = await model.createConfirmChannel();
    const window: ConfirmWindow = new ConfirmWindow(channel, {
      exchange: brokerNames(prefix).exchange,
      confirmTimeoutMs,
      missingExchange: topology === 'declare' ? 'closed' : 'misconfigured',
      onReturned: (text) => void this.#repair(text),
      onConfirmed: () => {
        this.#publishProblem = undefined;
      },
      onClosed: (failure) => {
        const { reason, message: detail } = failure;
        if (reason === 'misconfigured') this.#publishProblem = { state: reason, detail };
        if (reason === 'timeout') this.#publishProblem = { state: 'ready', detail };
        if (this.#window === window) void this.#replaceWindow(model, failure.message);
      },
    });
    // The deadline may have passed and the connection been given up meanwhile.
    if (this.#model !== model) return;
    this.#window = window;
    if (this.#blocked !== undefined) window.pause();
    onChange();
  }

  /** A channel can die on its own (a missing exchange, a refused permission): amqplib's recovery does nothing then. */
  async #replaceWindow(model: ChannelModel, reason: string): Promise<void> {
    this.#window = undefined;
    this.#trouble = new Error(reason);
    this.#options.onChange();
    // When the whole connection is closing its channels go first: let it finish.
    await Promise.resolve();
    if (this.#model !== model || this.#stopped) return;
    const { logger, connectTimeoutMs } = this.#options;
    logger.warn({ reason }, 'the RabbitMQ channel was closed, opening another');
    try {
      await atMost(connectTimeoutMs, this.#openWindow(model));
      this.#trouble = undefined;
    } catch (error) {
      await this.#drop(model, error);
    }
  }

  async #applyTopology(model: ChannelModel): Promise<void> {
    const { topology, prefix, logger } = this.#options;
    this.#degraded = await applyTopology(topology, () => model.createChannel(), logger, brokerNames(prefix));
  }

  /** Gives a connection up; recovery takes over from there. */
  async #drop(model: ChannelModel, cause: unknown): Promise<void> {
    this.#onConnectionClosed(model, cause);
    await leave(model);
  }

  #onConnectionClosed(model: ChannelModel, cause: unknown): void {
    // Of a peer that vanished the socket would linger for many minutes.
    setTimeout(() => destroySocket(model), BROKER_ANSWER_MS).unref();
    if (this.#model !== model) return;
    this.#model = undefined;
    const window = this.#window;
    this.#window = undefined;
    this.#blocked = undefined;
    this.#onTrouble(cause);
    window?.fail({ reason: 'closed', message: `the connection was lost: ${brokerText(cause)}` });
    this.#options.onChange();
  }

  #onBlocked(model: ChannelModel, reason: string | undefined): void {
    if (this.#model !== model) return;
    this.#blocked = reason;
    if (reason === undefined) {
      this.#options.logger.info('the broker takes messages again');
      this.#window?.resume();
    } else {
      this.#options.logger.warn({ reason }, 'the broker takes no messages');
      this.#window?.pause();
    }
    this.#options.onChange();
  }

  #onTrouble(cause: unknown): void {
    if (this.#stopped) return;
    const { url, logger, onChange } = this.#options;
    const error = explainConnectFailure(cause, vhostOf(url.reveal()));
    const level = error.message === this.#trouble?.message ? 'debug' : 'warn';
    this.#trouble = error;
    logger[level]({ url: String(url), error: error.message }, 'RabbitMQ is not available');
    onChange();
  }
}
