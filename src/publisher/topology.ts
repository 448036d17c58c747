import type { Channel } from 'amqplib';
import type { Logger } from '../lib/log.ts';
import { BrokerConfigurationError, brokerText, replyCode } from './brokerErrors.ts';
import { STREAM_ONLINE } from './message.ts';

/** What is done about exchanges and queues: declare them, only look whether they are there, or nothing. */
export type TopologyMode = 'declare' | 'check' | 'off';

/** The names of exchanges and queues, behind the prefix that the operator gives them. */
export function brokerNames(prefix = '') {
  return {
    exchange: `${prefix}twitch`,
    queue: `${prefix}${STREAM_ONLINE}`,
    deadExchange: `${prefix}twitch.dead`,
    deadQueue: `${prefix}${STREAM_ONLINE}.dead`,
  };
}

/** The names without a prefix. */
export const { exchange: EXCHANGE, queue: QUEUE, deadExchange: DEAD_EXCHANGE, deadQueue: DEAD_QUEUE } = brokerNames();

/**
 * The declarations as data: the AsyncAPI document is tested against them.
 *
 * Dead letters first, so that the queue that refers to them never exists without them.
 *
 * Dead letters get a routing key of their own. They keep the message's key otherwise, and one that no binding of the
 * dead-letter exchange matches would stay in the queue for ever, since at-least-once dead-lettering gives nothing up
 * (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering). It also keeps other queues' dead letters apart.
 *
 * The arguments are fixed for the queue's lifetime. All else belongs in a policy, which can change: a max-length, for
 * example, makes the broker refuse messages when the queue is full (`reject-publish`), and they are retried.
 */
export function topologyOf({ exchange, queue, deadExchange, deadQueue } = brokerNames()) {
  return {
    exchanges: [
      { name: deadExchange, essential: false },
      { name: exchange, essential: true },
    ],
    queues: [
      {
        name: deadQueue,
        essential: false,
        binding: { exchange: deadExchange, key: deadQueue },
        arguments: { 'x-queue-type': 'quorum' },
      },
      {
        name: queue,
        essential: true,
        binding: { exchange, key: STREAM_ONLINE },
        arguments: {
          'x-queue-type': 'quorum',
          'x-delivery-limit': 5,
          'x-dead-letter-exchange': deadExchange,
          'x-dead-letter-routing-key': deadQueue,
          'x-dead-letter-strategy': 'at-least-once',
          // Without it at-least-once silently becomes at-most-once.
          'x-overflow': 'reject-publish',
        },
      },
    ],
  };
}

/**
 * Brings exchanges, queues and bindings into being, or looks whether they are there. Safe to repeat.
 *
 * @param openChannel opens a channel for this alone: a declaration that fails takes its channel with it
 * @returns what differs from what is wanted although messages can be published, or undefined
 * @throws BrokerConfigurationError when something is missing or forbidden that publishing needs
 */
export async function applyTopology(
  mode: TopologyMode,
  openChannel: () => Promise<Channel>,
  logger: Logger,
  names = brokerNames(),
): Promise<string | undefined> {
  if (mode === 'off') return undefined;
  const { exchanges, queues } = topologyOf(names);
  const differences: string[] = [];
  const scratch = new ScratchChannel(openChannel);

  const declare = async (
    what: string,
    wanted: object,
    assert: (channel: Channel) => Promise<unknown>,
    check: (channel: Channel) => Promise<unknown>,
  ) => {
    try {
      await scratch.run(assert);
    } catch (error) {
      if (replyCode(error) !== 406) throw explain(error, mode);
      const difference = brokerText(error);
      logger.warn(
        { wanted, broker: difference },
        `the ${what} exists with other properties and is used as it is: migrate it when it suits`,
      );
      differences.push(difference);
      await scratch.run(check).catch((missing) => {
        throw explain(missing, mode, `${difference}; `);
      });
    }
  };

  const look = async (essential: boolean, check: (channel: Channel) => Promise<unknown>) => {
    try {
      await scratch.run(check);
    } catch (error) {
      if (essential || replyCode(error) !== 404) throw explain(error, mode);
      differences.push(brokerText(error));
    }
  };

  for (const { name, essential } of exchanges) {
    const check = (channel: Channel) => channel.checkExchange(name);
    const wanted = { type: 'topic', durable: true };
    if (mode === 'check') await look(essential, check);
    else await declare(`exchange ${name}`, wanted, (channel) => channel.assertExchange(name, 'topic'), check);
  }
  for (const { name, essential, arguments: args, binding } of queues) {
    const check = (channel: Channel) => channel.checkQueue(name);
    if (mode === 'check') {
      await look(essential, check);
      continue;
    }
    await declare(`queue ${name}`, args, (channel) => channel.assertQueue(name, { arguments: args }), check);
    await scratch
      .run((channel) => channel.bindQueue(name, binding.exchange, binding.key))
      .catch((error) => {
        throw explain(error, mode);
      });
  }
  await scratch.close();
  return differences.length > 0 ? differences.join('; ') : undefined;
}

/** Opens a channel when it is needed and another after each failure. */
class ScratchChannel {
  readonly #open: () => Promise<Channel>;
  #channel: Channel | undefined;

  constructor(open: () => Promise<Channel>) {
    this.#open = open;
  }

  async run(operation: (channel: Channel) => Promise<unknown>): Promise<void> {
    if (!this.#channel) {
      this.#channel = await this.#open();
      // The operation's own promise rejects as well; without a listener the process would end.
      this.#channel.on('error', () => {});
    }
    try {
      await operation(this.#channel);
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#channel?.close();
  }
}

/** Reply codes that repeating the same request does not change: refused, absent, exclusive to another, not as asked. */
const PERMANENT = new Set([403, 404, 405, 406]);

function explain(error: unknown, mode: TopologyMode, before = ''): unknown {
  const code = replyCode(error);
  if (code === undefined || !PERMANENT.has(code)) return error;
  let remedy = 'see what differs on the broker, and delete or rename it there, or set RABBITMQ_TOPOLOGY=check or off';
  if (code === 403) {
    remedy = "give RABBITMQ_URL's user the permission, or set up the queues yourself and set RABBITMQ_TOPOLOGY=check";
  } else if (code === 404 && mode === 'check') {
    remedy = 'create it, or set RABBITMQ_TOPOLOGY=declare';
  }
  return new BrokerConfigurationError(`${before}${brokerText(error)}: ${remedy}`, error);
}
