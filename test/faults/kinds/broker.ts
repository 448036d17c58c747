import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, connect } from 'amqplib';
import { EXCHANGE, QUEUE } from '../../../src/publisher/topology.ts';
import type { FaultKind, Stage } from '../fault.ts';
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

export const brokerKinds: FaultKind[] = [
  {
    name: 'broker stopped',
    part: 'broker',
    mayRepeat: true,
    lasts: [1_000, 8_000],
    async strike({ system: { services } }, lastsMs) {
      await services.rabbitmq.stopApp();
      await sleep(lastsMs);
      await services.rabbitmq.startApp();
      return undefined;
    },
  },
  {
    name: 'broker away for many intervals',
    part: 'broker',
    slow: true,
    mayRepeat: true,
    lasts: [8_000, 75_000],
    async strike({ system: { services } }, lastsMs) {
      await services.rabbitmq.stopApp();
      await sleep(lastsMs);
      await services.rabbitmq.startApp();
      return `${Math.round(lastsMs / 1_000)} s`;
    },
  },
  {
    name: 'broker node restarted',
    part: 'broker',
    slow: true,
    mayRepeat: true,
    lasts: [0, 3_000],
    async strike({ system: { services } }, lastsMs) {
      await services.rabbitmq.stop();
      await sleep(lastsMs);
      await services.rabbitmq.start();
      return undefined;
    },
  },
  {
    name: 'broker closes all connections',
    part: 'broker',
    mayRepeat: true,
    async strike({ system: { services } }) {
      await services.rabbitmq.closeAllConnections();
      return undefined;
    },
  },
  {
    name: 'memory alarm',
    part: 'broker',
    mayRepeat: true,
    lasts: [1_000, 15_000],
    async strike({ system: { services } }, lastsMs) {
      await services.rabbitmq.setMemoryAlarm(true);
      await sleep(lastsMs);
      await services.rabbitmq.setMemoryAlarm(false);
      return undefined;
    },
  },
  {
    name: 'exchange deleted',
    part: 'broker',
    mayRepeat: true,
    async strike(stage) {
      return removeWhileQuiet(stage, (channel) => channel.deleteExchange(EXCHANGE));
    },
  },
  {
    name: 'queue deleted',
    part: 'broker',
    mayRepeat: true,
    async strike(stage) {
      return removeWhileQuiet(stage, (channel) => channel.deleteQueue(QUEUE));
    },
  },
  {
    name: 'confirms late',
    part: 'broker',
    mayRepeat: true,
    lasts: [2_000, 14_000],
    async strike({ fleet, life }, lastsMs) {
      const release = Promise.withResolvers<'pass'>();
      const stop = fleet.observe(
        'broker',
        () => (direction) => (direction === 'toClient' ? release.promise : undefined),
      );
      life.startOne();
      await sleep(lastsMs);
      stop();
      release.resolve('pass');
      return undefined;
    },
  },
  {
    name: 'broker swallowed by a black hole',
    part: 'broker',
    slow: true,
    mayRepeat: true,
    lasts: [1_000, 8_000],
    async strike({ fleet }, lastsMs) {
      const lines = fleet.lines('broker');
      for (const line of lines) line.blackHole(true);
      await sleep(lastsMs);
      for (const line of lines) line.blackHole(false);
      return undefined;
    },
  },
  {
    name: 'broker connection half open',
    part: 'broker',
    slow: true,
    mayRepeat: true,
    async strike({ fleet }) {
      for (const line of fleet.lines('broker')) line.halfOpen();
      return undefined;
    },
  },
  {
    name: 'broker connection cut while it is made',
    part: 'broker',
    mayRepeat: true,
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
      return undefined;
    },
  },
  {
    name: 'broker connection reset',
    part: 'broker',
    mayRepeat: true,
    async strike({ fleet, life }, _lastsMs, random) {
      const [line] = fleet.lines('broker');
      // In the middle of a message or of a confirm.
      line?.cutAfter(1 + random.int(400), random.next() < 0.5 ? 'toServer' : 'toClient');
      life.startOne();
      await sleep(1_500);
      await line?.restore();
      return undefined;
    },
  },
];
