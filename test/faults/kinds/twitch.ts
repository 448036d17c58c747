import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultOrder, LiveStream } from '../../../sandbox/twitch/index.ts';
import type { Random } from '../../../sandbox/twitch/random.ts';
import { visitors } from '../cast.ts';
import { type FaultKind, lasting, type Stage } from '../fault.ts';
import { HOSTILE_TITLES } from '../ledger/looks.ts';
import type { TargetName } from '../ledger/truth.ts';
import { changeTargets } from './targets.ts';

/** As for everything else: what is to go on under a fault is seen within the time in which it has to be ready again. */
const SEEN_WITHIN_MS = 30_000;
const REFUSED = 3;

/** Waits for a steady stream's message, and ends it. Complains when it does not come: it had nothing to do with what is wrong. */
async function expectArrival({ mailbox, life, complain }: Stage, stream: LiveStream, what: string): Promise<void> {
  const deadline = Date.now() + SEEN_WITHIN_MS;
  const arrived = () => mailbox.arrivals.some(({ messageId }) => messageId === stream.id);
  while (!arrived() && Date.now() < deadline) await sleep(50);
  if (!arrived()) complain(`${what} (stream ${stream.id}) did not arrive within ${SEEN_WITHIN_MS / 1_000} s`);
  life.endSteady(stream);
}

/** A fault that no request has met goes on until one does, or for so long. */
const HIT_WITHIN_MS = 5_000;

async function untilHit(hits: () => number): Promise<void> {
  const deadline = Date.now() + HIT_WITHIN_MS;
  while (hits() === 0 && Date.now() < deadline) await sleep(50);
}

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
      await sleep(lastsMs);
      await untilHit(hits);
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
  {
    name: 'Twitch: dead cursors',
    part: 'twitch',
    needsServices: true,
    lasts: [2_000, 6_000],
    async strike(stage, lastsMs) {
      const { system, cast, life } = stage;
      const fault = system.sandbox.faults.add({
        kind: 'deadCursor',
        probability: 0.4,
        match: { endpoint: 'streams' },
      });
      await sleep(lastsMs);
      await untilHit(() => fault.hits);
      // The one with the fewest viewers: at the end of a list of several pages.
      await expectArrival(
        stage,
        life.startSteady(visitors(cast), { gameId: cast.bigGame, viewers: 0 }),
        'the last of a long list',
      );
      fault.remove();
      return `${fault.hits} requests`;
    },
  },
  {
    name: 'Twitch: refused ids',
    part: 'twitch',
    needsServices: true,
    lasts: [2_000, 6_000],
    async strike(stage, lastsMs, random) {
      const { system, cast, life, truth } = stage;
      const first = random.int(cast.byUser.length - REFUSED);
      const refused = new Set(cast.byUser.slice(first, first + REFUSED));
      const targets = [...refused].map((id): TargetName => `user:${id}`);
      const settle = truth.doubt(targets);
      const fault = system.sandbox.faults.add({ kind: 'refusedIds', ids: [...refused] });
      const others = cast.byUser.filter((id) => !refused.has(id));
      const neighbour = life.startSteady(others, { gameId: cast.otherGames[0] });
      await expectArrival(stage, neighbour, 'a neighbour of refused ids');
      await sleep(lastsMs);
      fault.remove();
      // Tried again by itself after an hour or so, or at once when somebody adds them.
      await changeTargets(stage, 'add', targets);
      settle();
      return `${fault.hits} requests`;
    },
  },
  {
    name: 'Twitch: hostile text',
    part: 'twitch',
    lasts: [3_000, 8_000],
    async strike({ system: { sandbox }, life }, lastsMs, random) {
      for (const title of HOSTILE_TITLES) {
        if (random.next() < 0.5) life.startOne({ title });
        else life.startInGame({ title });
      }
      const renamed = life.startOne().userId;
      sandbox.world.change(renamed, { login: 'h\ud83dostile\u0000\u001b[31m' });
      await sleep(lastsMs);
      return `${HOSTILE_TITLES.length} titles`;
    },
  },
  order('no pagination', () => ({ kind: 'noPagination' }), { hides: true }),
  order('short pages', () => ({ kind: 'shortPage' })),
  lasting({
    name: 'Twitch: viewers drift',
    part: 'twitch',
    lasts: [2_000, 6_000],
    hides: true,
    begin({ system: { sandbox } }) {
      sandbox.world.viewerDrift = 0.5;
    },
    end({ system: { sandbox } }) {
      sandbox.world.viewerDrift = 0;
    },
  }),
];
