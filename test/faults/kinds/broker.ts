import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, connect } from 'amqplib';
import { EXCHANGE, QUEUE } from '../../../src/publisher/topology.ts';
import { type FaultKind, lasting, type Stage } from '../fault.ts';
import { provoke } from './provoke.ts';

const QUIET_MS = 300;
/** The service finds out by its next message that something is missing, and declares it. */
const MENDED_WITHIN_MS = 12_000;

/**
 * Removes something from the broker while no message is on its way, so that none is lost by the removal itself: the
 * workers' messages are held back until everything sent so far has come out of the queue.
 */
async function removeWhileQuiet(stage: Stage, remove: (channel: Channel) => Promise<unknown>): Promise<string> {
  const { system, fleet, mailbox } = stage;
  const held = Promise.withResolvers<'pass'>();
  const stop = fleet.observe('broker', () => (direction) => (direction === 'toServer' ? held.promise : undefined));
  const connection = await connect(system.services.rabbitmqUrl);
  try {
    const channel = await connection.createChannel();
    const sinceMs = Date.now();
    for (;;) {
      const { messageCount } = await channel.checkQueue(QUEUE);
      if (messageCount === 0 && Date.now() - Math.max(sinceMs, mailbox.lastArrivalMs) > QUIET_MS) break;
      await sleep(20);
    }
    await remove(channel);
    await mailbox.reconnect();
  } finally {
    stop();
    held.resolve('pass');
    await connection.close();
  }
  const removedMs = Date.now();
  const { id } = await provoke(stage);
  const isMended = () => mailbox.arrivals.some(({ messageId }) => messageId === id);
  while (!isMended() && Date.now() - removedMs < MENDED_WITHIN_MS) await sleep(50);
  return isMended() ? `mended after ${((Date.now() - removedMs) / 1_000).toFixed(1)} s` : 'not mended yet';
}

/** Each disturbs the broker, and may keep a confirm away. */
const BROKER = { part: 'broker', mayRepeat: true } as const;

export const brokerKinds: FaultKind[] = [
  lasting({
    ...BROKER,
    name: 'broker stopped',
    lasts: [1_000, 8_000],
    begin: ({ system: { services } }) => services.rabbitmq.stopApp(),
    end: ({ system: { services } }) => services.rabbitmq.startApp(),
  }),
  lasting({
    ...BROKER,
    name: 'broker away for many intervals',
    slow: true,
    lasts: [8_000, 75_000],
    begin: ({ system: { services } }) => services.rabbitmq.stopApp(),
    end: ({ system: { services } }) => services.rabbitmq.startApp(),
  }),
  lasting({
    ...BROKER,
    name: 'broker node restarted',
    slow: true,
    lasts: [0, 3_000],
    begin: ({ system: { services } }) => services.rabbitmq.stop(),
    end: ({ system: { services } }) => services.rabbitmq.start(),
  }),
  {
    ...BROKER,
    name: 'broker closes all connections',
    strike: ({ system: { services } }) => services.rabbitmq.closeAllConnections(),
  },
  lasting({
    ...BROKER,
    name: 'memory alarm',
    lasts: [1_000, 15_000],
    begin: ({ system: { services } }) => services.rabbitmq.setMemoryAlarm(true),
    end: ({ system: { services } }) => services.rabbitmq.setMemoryAlarm(false),
  }),
  {
    ...BROKER,
    name: 'exchange deleted',
    strike: (stage) => removeWhileQuiet(stage, (channel) => channel.deleteExchange(EXCHANGE)),
  },
  {
    ...BROKER,
    name: 'queue deleted',
    strike: (stage) => removeWhileQuiet(stage, (channel) => channel.deleteQueue(QUEUE)),
  },
  {
    ...BROKER,
    name: 'confirms late',
    lasts: [2_000, 14_000],
    async strike({ fleet, life }, lastsMs) {
      const release = Promise.withResolvers<'pass'>();
      const stop = fleet.observe('broker', () => (to) => (to === 'toClient' ? release.promise : undefined));
      life.startOne();
      await sleep(lastsMs);
      stop();
      release.resolve('pass');
    },
  },
  lasting({
    ...BROKER,
    name: 'broker swallowed by a black hole',
    slow: true,
    lasts: [1_000, 8_000],
    begin: ({ fleet }) => fleet.lines('broker').map((line) => line.blackHole(true)),
    end: ({ fleet }) => fleet.lines('broker').map((line) => line.blackHole(false)),
  }),
  {
    ...BROKER,
    name: 'broker connection half open',
    slow: true,
    async strike({ fleet }) {
      for (const line of fleet.lines('broker')) line.halfOpen();
    },
  },
  {
    ...BROKER,
    name: 'broker connection cut while it is made',
    async strike({ fleet }, _lastsMs, random) {
      const lines = fleet.lines('broker');
      for (let times = 0; times < 6; times++) {
        for (const line of lines) {
          // The handshake takes about 500 bytes, exchanges, queues and channels 250 more.
          line.cutAfter(480 + random.int(280), 'toClient');
          line.reset();
        }
        await sleep(600);
      }
      for (const line of lines) await line.restore();
    },
  },
  {
    ...BROKER,
    name: 'broker connection reset',
    async strike({ fleet, life }, _lastsMs, random) {
      const [line] = fleet.lines('broker');
      // In the middle of a message or of a confirm.
      line?.cutAfter(1 + random.int(400), random.next() < 0.5 ? 'toServer' : 'toClient');
      life.startOne();
      await sleep(1_500);
      await line?.restore();
    },
  },
];
