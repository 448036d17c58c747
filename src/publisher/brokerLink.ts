import type { ChannelModel } from 'amqplib';
import { backoffMs } from '../lib/backoff.ts';
import { within } from '../lib/deadline.ts';
import { harmless } from '../lib/harmless.ts';
import { BROKER_ANSWER_MS, BROKER_DRAIN_MS, BROKER_RECONNECT, MISCONFIGURED_RECONNECT } from '../poll/limits.ts';
import { BrokerConfigurationError, brokerText, explainConnectFailure } from './brokerErrors.ts';
import { ConfirmWindow } from './confirmWindow.ts';
import { connectWithRecovery, destroySocket, leave, type Recovery } from './connection.ts';
import type { PublisherSettings } from './options.ts';
import type { Failure } from './outcome.ts';
import { type QueueDepth, queueDepths } from './queues.ts';
import { applyTopology, brokerNames } from './topology.ts';

export interface LinkStatus {
  state: 'connecting' | 'ready' | 'blocked' | 'misconfigured' | 'closed';
  /** Why it is not ready, or why messages fail all the same (the broker does not confirm in time). */
  detail?: string;
  /** What of the topology differs from what is wanted, although messages can be published. */
  degraded?: string;
}

/**
 * A connection that comes back by amqplib's own recovery, and one confirm channel on it. Whatever goes wrong leads to
 * one of two things: another channel on the same connection, or, when that fails, another connection.
 */
export class BrokerLink {
  readonly #settings: PublisherSettings;
  #recovery: Promise<Recovery> | undefined;
  #model: ChannelModel | undefined;
  #window: ConfirmWindow | undefined;
  #blocked: string | undefined;
  #repairing = false;
  #closing: Promise<void> | undefined;
  /** Why there is no connection. */
  #trouble: Error | undefined;
  /** Why messages fail although there is a connection; gone with the first that is confirmed. */
  #publishProblem: LinkStatus | undefined;
  #degraded: string | undefined;
  #change = Promise.withResolvers<void>();

  constructor(settings: PublisherSettings) {
    this.#settings = settings;
  }

  /** Resolves when something may be different: the window, its room, the status. To be taken before looking at them. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /** Wakes whoever waits for a change. */
  notify(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  }

  /** Where to send now, if there is such a place. */
  get window(): ConfirmWindow | undefined {
    return this.#blocked === undefined && !this.#repairing && !this.#closing ? this.#window : undefined;
  }

  get inFlight(): number {
    return this.#window?.size ?? 0;
  }

  get status(): LinkStatus {
    const degraded = this.#degraded === undefined ? {} : { degraded: this.#degraded };
    if (this.#closing) return { state: 'closed' };
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
    if (this.#recovery || this.#closing) return;
    this.#recovery = connectWithRecovery(this.#settings, {
      setUp: (model) => this.#setUp(model),
      retryDelayMs: (attempt) => {
        const misconfigured = this.#trouble instanceof BrokerConfigurationError;
        return backoffMs(attempt, misconfigured ? MISCONFIGURED_RECONNECT : BROKER_RECONNECT);
      },
      onFailure: (error) => this.#onTrouble(error),
    });
  }

  /** How full queues are. @throws Error while the broker takes no messages: it does not answer then */
  async queueDepths(queues: readonly string[]): Promise<Record<string, QueueDepth | null>> {
    const { state, detail } = this.status;
    if (!this.#model || state !== 'ready') {
      throw new Error(`${this.#settings.url} (RABBITMQ_URL) is ${state}${detail ? `: ${detail}` : ''}`);
    }
    return within(BROKER_ANSWER_MS, queueDepths(this.#model, queues));
  }

  /** Waits a moment for outstanding confirms and closes. Settles within 5 s, whether the broker answers or not. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    await within(BROKER_DRAIN_MS, this.#drain()).catch(() => {});
    const model = this.#model;
    const stopped = this.#recovery?.then((recovery) => recovery.close());
    if (stopped) await within(BROKER_ANSWER_MS, stopped).catch(() => {});
    // Recovery does not close a connection whose setup is under way, and waits for an answer without end.
    if (model) await leave(model);
    this.#window?.close({ reason: 'closed', message: 'the publisher was closed' });
    this.notify();
  }

  async #drain(): Promise<void> {
    this.notify();
    while (this.#window?.size && this.#blocked === undefined) await this.changed;
  }

  async #setUp(model: ChannelModel): Promise<void> {
    const { url, logger, connectTimeoutMs, observer } = this.#settings;
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
      if (this.#closing) throw new Error('the publisher was closed');
      await within(connectTimeoutMs, this.#openWindow(model));
    } catch (error) {
      const cause = dead ?? error;
      // amqplib closes the model of a failed setup itself, and would wait for the answer without end.
      await this.#drop(model, cause);
      throw cause;
    }
    // A connection that died meanwhile would be adopted by amqplib and never be replaced.
    if (dead) throw dead;
    harmless(observer.onConnected)();
    logger.info({ url: String(url), back: 'broker' }, 'connected to RabbitMQ');
  }

  async #openWindow(model: ChannelModel): Promise<void> {
    await this.#applyTopology(model);
    const channel = await model.createConfirmChannel();
    const window: ConfirmWindow = new ConfirmWindow(channel, this.#settings, {
      returned: (text) => void this.#repair(text),
      confirmed: () => {
        this.#publishProblem = undefined;
      },
      closed: (failure) => this.#onWindowClosed(model, window, failure),
    });
    // The deadline may have passed and the connection been given up meanwhile.
    if (this.#model !== model) return;
    this.#window = window;
    this.#trouble = undefined;
    window.blocked = this.#blocked !== undefined;
    this.notify();
  }

  #onWindowClosed(model: ChannelModel, window: ConfirmWindow, { reason, message: detail }: Failure): void {
    if (reason === 'misconfigured') this.#publishProblem = { state: reason, detail };
    if (reason === 'timeout') this.#publishProblem = { state: 'ready', detail };
    if (this.#window === window) void this.#replaceWindow(model, detail);
  }

  /** A channel can die on its own (a missing exchange, a refused permission): amqplib's recovery does nothing then. */
  async #replaceWindow(model: ChannelModel, reason: string): Promise<void> {
    this.#window = undefined;
    this.#trouble = new Error(reason);
    this.notify();
    // When the whole connection is closing its channels go first: let it finish.
    await Promise.resolve();
    if (this.#model !== model || this.#closing) return;
    this.#settings.logger.warn(
      { reason },
      'RabbitMQ closed the channel, another is opened: if it stays so, correct what it says',
    );
    await this.#orDrop(model, this.#openWindow(model));
  }

  /** Declares the topology again after the broker could not route a message, so that the next attempt succeeds. */
  async #repair(reason: string): Promise<void> {
    const { topology, logger } = this.#settings;
    const model = this.#model;
    if (topology !== 'declare') {
      const detail = `${reason}: bind a queue to the exchange, or set RABBITMQ_TOPOLOGY=declare`;
      this.#publishProblem = { state: 'misconfigured', detail };
      return;
    }
    if (this.#repairing || !model) return;
    this.#repairing = true;
    logger.warn({ reason }, 'exchanges and queues are declared again: find out who deleted them');
    await this.#orDrop(model, this.#applyTopology(model));
    this.#repairing = false;
    this.notify();
  }

  async #applyTopology(model: ChannelModel): Promise<void> {
    const { topology, prefix, logger } = this.#settings;
    this.#degraded = await applyTopology(topology, () => model.createChannel(), logger, brokerNames(prefix));
  }

  /** Gives a connection up on which something could not be mended. Never rejects. */
  async #orDrop(model: ChannelModel, mending: Promise<void>): Promise<void> {
    await within(this.#settings.connectTimeoutMs, mending).catch((error) => this.#drop(model, error));
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
    window?.close({ reason: 'closed', message: `the connection was lost: ${brokerText(cause)}` });
    this.notify();
  }

  #onBlocked(model: ChannelModel, reason: string | undefined): void {
    if (this.#model !== model) return;
    this.#blocked = reason;
    if (this.#window) this.#window.blocked = reason !== undefined;
    if (reason === undefined) this.#settings.logger.info({ back: 'broker' }, 'the broker takes messages again');
    else {
      const what = 'the broker takes no messages: free its memory or disk (rabbitmqctl status); events wait until then';
      this.#settings.logger.warn({ reason }, what);
    }
    this.notify();
  }

  #onTrouble(cause: unknown): void {
    if (this.#closing) return;
    const { url, logger } = this.#settings;
    const error = explainConnectFailure(cause, url);
    this.#trouble = error;
    const what = 'RabbitMQ is not available (RABBITMQ_URL): bring it back; polls go on, and events wait until then';
    logger.warn({ url: String(url), error: error.message }, what);
    this.notify();
  }
}
