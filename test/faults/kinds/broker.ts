import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, connect } from 'amqplib';
import { EXCHANGE, QUEUE } from '../../../src/publisher/topology.ts';
import type { FaultKind, Stage } from '../fault.ts';

const QUIET_MS = 300;

/**
 * Removes something from the broker while no message is on its way, so that none is lost by the removal itself: the
 * workers' messages are held back until everything sent so far has come out of the queue.
 */
async function removeWhileQuiet(
  { system, fleet, mailbox, life }: Stage,
  remove: (channel: Channel) => Promise<unknown>,
) {
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
  } finally {
    stop();
    held.resolve('pass');
    await connection.close();
  }
  life.startOne();
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
      await removeWhileQuiet(stage, (channel) => channel.deleteExchange(EXCHANGE));
      return undefined;
    },
  },
  {
    name: 'queue deleted',
    part: 'broker',
    mayRepeat: true,
    async strike(stage) {
      await removeWhileQuiet(stage, (channel) => channel.deleteQueue(QUEUE));
      return undefined;
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
