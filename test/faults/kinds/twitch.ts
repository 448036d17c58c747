import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultOrder } from '../../../sandbox/twitch/index.ts';
import type { Random } from '../../../sandbox/twitch/random.ts';
import type { FaultKind } from '../fault.ts';

/** A fault that no request has met goes on until one does, or for so long. */
const HIT_WITHIN_MS = 5_000;

function order(
  name: string,
  make: (random: Random) => FaultOrder | FaultOrder[],
  options: { lasts?: readonly [number, number]; hides?: true } = {},
): FaultKind {
  return {
    name: `Twitch: ${name}`,
    part: 'twitch',
    lasts: options.lasts ?? [1_000, 5_000],
    ...(options.hides && { hides: true }),
    async strike({ system: { sandbox } }, lastsMs, random) {
      const faults = [make(random)]
        .flat()
        .map((each) => sandbox.faults.add({ match: { endpoint: 'streams' }, ...each }));
      const hits = () => faults.reduce((sum, fault) => sum + fault.hits, 0);
      const startMs = Date.now();
      await sleep(lastsMs);
      while (hits() === 0 && Date.now() - startMs < HIT_WITHIN_MS) await sleep(50);
      for (const fault of faults) fault.remove();
      return `${hits()} requests`;
    },
  };
}

export const twitchKinds: FaultKind[] = [
  order('5xx', (random) => ({ kind: 'status', status: random.pick([500, 502, 503, 504]), html: random.next() < 0.5 })),
  order('429', () => ({ kind: 'rateLimit', resetInSeconds: 2 })),
  {
    name: 'Twitch: tokens revoked',
    part: 'twitch',
    lasts: [1_000, 4_000],
    async strike({ system: { sandbox } }, lastsMs) {
      const endMs = Date.now() + lastsMs;
      let revoked = 0;
      do {
        revoked += sandbox.faults.revokeTokens();
        await sleep(700);
      } while (Date.now() < endMs);
      return `${revoked} tokens`;
    },
  },
  order('slow', (random) => [
    { kind: 'slowHeaders', delayMs: 500 + random.int(2_500), probability: 0.5 },
    { kind: 'slowBody', overMs: 500 + random.int(2_500) },
  ]),
  order('no answer', () => ({ kind: 'hang', times: 1 }), { lasts: [1_000, 2_000] }),
  order('cut', (random) => ({ kind: 'cut', at: random.pick(['headers', 'body']), reset: true })),
  order('malformed entry', () => ({ kind: 'malformedEntry' })),
  order('garbage', (random) => ({ kind: 'garbage', as: random.pick(['invalidJson', 'wrongShape']) })),
  order('empty 200', () => ({ kind: 'emptyData' }), { hides: true }),
  order('looping cursor', () => ({ kind: 'loopCursor' }), { hides: true }),
  order('invalid cursor', () => ({ kind: 'invalidCursor' }), { hides: true }),
  order('cursor to an empty page', () => ({ kind: 'cursorToEmptyPage' }), { hides: true }),
  order('no pagination', () => ({ kind: 'noPagination' }), { hides: true }),
  order('short pages', () => ({ kind: 'shortPage' })),
  {
    name: 'Twitch: viewers drift',
    part: 'twitch',
    lasts: [2_000, 6_000],
    hides: true,
    async strike({ system: { sandbox } }, lastsMs) {
      sandbox.world.viewerDrift = 0.5;
      await sleep(lastsMs);
      sandbox.world.viewerDrift = 0;
      return undefined;
    },
  },
];
