import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultKind } from '../fault.ts';

export const storeKinds: FaultKind[] = [
  {
    name: 'store restarted with its data',
    part: 'store',
    mayRepeat: true,
    async strike({ system: { services } }) {
      await services.redis.restart({ keepData: true });
      return undefined;
    },
  },
  {
    name: 'store restarted without its data',
    part: 'store',
    mayRepeat: true,
    loses: true,
    async strike({ system: { services } }) {
      await services.redis.restart({ keepData: false });
      return undefined;
    },
  },
  {
    name: 'store hangs',
    part: 'store',
    mayRepeat: true,
    lasts: [500, 9_000],
    async strike({ system: { services } }, lastsMs) {
      services.redis.pause();
      await sleep(lastsMs);
      services.redis.resume();
      return undefined;
    },
  },
  {
    name: 'store reply cut',
    part: 'store',
    mayRepeat: true,
    lasts: [1_500, 3_000],
    async strike({ fleet, life }, lastsMs, random) {
      life.startOne();
      const lines = fleet.lines('store');
      for (const line of lines) line.cutAfter(1 + random.int(4_000), 'toClient');
      await sleep(lastsMs);
      for (const line of lines) await line.restore();
      return undefined;
    },
  },
];
