import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type FaultKind, lasting } from '../fault.ts';
import { provoke } from './provoke.ts';
import { STEPS } from './steps.ts';

/** Comes with the next poll that finds a stream. */
const STEP_WITHIN_MS = 12_000;

export const storeKinds: FaultKind[] = [
  {
    name: 'store restarted with its data',
    part: 'store',
    mayRepeat: true,
    strike: ({ system: { services } }) => services.redis.restart({ keepData: true }),
  },
  {
    name: 'store restarted without its data',
    part: 'store',
    mayRepeat: true,
    loses: true,
    strike: ({ system: { services } }) => services.redis.restart({ keepData: false }),
  },
  lasting({
    name: 'store hangs',
    part: 'store',
    mayRepeat: true,
    lasts: [500, 9_000],
    begin: ({ system: { services } }) => services.redis.pause(),
    end: ({ system: { services } }) => services.redis.resume(),
  }),
  {
    name: 'store stopped between confirm and mark',
    part: 'store',
    needsServices: true,
    lasts: [1_000, 12_000],
    async strike(stage, lastsMs) {
      const { system, fleet } = stage;
      const { redis } = system.services;
      const stopped = Promise.withResolvers<boolean>();
      let taken = false;
      const stop = fleet.observe('store', () => (direction, chunk) => {
        if (taken || !STEPS['before-mark'].isNow(direction, chunk)) return undefined;
        taken = true;
        return redis.stop().then((): 'drop' => {
          stopped.resolve(true);
          return 'drop';
        });
      });
      const timer = setTimeout(() => stopped.resolve(false), STEP_WITHIN_MS);
      await provoke(stage);
      const struck = await stopped.promise;
      clearTimeout(timer);
      stop();
      if (struck) await sleep(lastsMs);
      await redis.start();
      return struck ? undefined : 'the step did not come';
    },
  },
  {
    name: 'store full',
    part: 'store',
    lasts: [1_000, 8_000],
    async strike({ system: { services }, life }, lastsMs) {
      // Dragonfly takes no less than 256 MiB a thread.
      if (services.redis.kind === 'dragonfly') return 'not with Dragonfly';
      const store = new Redis(services.redis.url, { maxRetriesPerRequest: 3 });
      try {
        await store.config('SET', 'maxmemory', '1mb');
        life.startOne();
        await sleep(lastsMs);
        await store.config('SET', 'maxmemory', '0');
      } finally {
        store.disconnect();
      }
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
    },
  },
];
