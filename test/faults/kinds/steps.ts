import type { Direction } from '../../../sandbox/faultProxy.ts';
import type { Stage } from '../fault.ts';
import type { Line, Slot } from '../fleet.ts';

/** A moment in a poll, known by the bytes that pass a proxy then. They are held until the worker is dead, and lost. */
export interface Step {
  line: Line;
  /** Called with each chunk of each connection, in order; `seen` is kept for one connection. */
  isNow(direction: Direction, chunk: Buffer, seen: Set<string>): boolean;
}

const BASIC_PUBLISH = Buffer.from([0, 60, 0, 40]);
const BASIC_ACK = Buffer.from([0, 0, 0, 13, 0, 60, 0, 80]);
const STAGE_PAGE = /\$3\r\nset\r\n\$\d+\r\n\{stream-poller\}:page:/;
const MARK_ANNOUNCED = /\$3\r\nset\r\n\$\d+\r\n\{stream-poller\}:mark:\d+\r\n\$9\r\nannounced/;
const CLAIMED = /\$(7\r\nstarted|11\r\nfirst_sight|12\r\nentered_game)\r\n/;

const isPublish = (chunk: Buffer) => chunk.includes(BASIC_PUBLISH) && chunk.includes('stream.online');

export const STEPS = {
  /** Twitch has answered, and the page is on its way into the store. */
  'before-stage': {
    line: 'store',
    isNow: (direction, chunk) => direction === 'toServer' && STAGE_PAGE.test(chunk.toString('latin1')),
  },
  /** The store has claimed streams, and its answer is on its way. */
  'claim-reply': {
    line: 'store',
    isNow: (direction, chunk) => direction === 'toClient' && CLAIMED.test(chunk.toString('latin1')),
  },
  /** The claims are in Temporal's history, and the first message is on its way to the broker. */
  'before-publish': { line: 'broker', isNow: (direction, chunk) => direction === 'toServer' && isPublish(chunk) },
  /** The broker has the message, and its confirm is on its way. */
  'before-confirm': {
    line: 'broker',
    isNow(direction, chunk, seen) {
      if (direction === 'toServer' && isPublish(chunk)) seen.add('publish');
      return direction === 'toClient' && seen.has('publish') && chunk.includes(BASIC_ACK);
    },
  },
  /** The broker has confirmed, and the mark is on its way into the store. */
  'before-mark': {
    line: 'store',
    isNow: (direction, chunk) => direction === 'toServer' && MARK_ANNOUNCED.test(chunk.toString('latin1')),
  },
} as const satisfies Record<string, Step>;

/** kill −9 of the worker that comes to a step first. Returns false when none came to it in time. */
export async function killAtStep(stage: Stage, step: Step, withinMs: number): Promise<boolean> {
  const { fleet, staged } = stage;
  const struck = Promise.withResolvers<boolean>();
  let taken = false;
  const stop = fleet.observe(step.line, (slot) => {
    const seenOf = new WeakMap<object, Set<string>>();
    return (direction, chunk, connection) => {
      const seen = seenOf.get(connection) ?? new Set();
      seenOf.set(connection, seen);
      if (taken || slot.changing || !step.isNow(direction, chunk, seen)) return undefined;
      taken = true;
      // The ledger has taken the page down already, as one that gets to the store.
      if (step === STEPS['before-stage']) staged.forgetNewest();
      return killNow(slot);
    };
  });
  const killNow = async (slot: Slot): Promise<'drop'> => {
    const { restarted } = await fleet.kill(slot);
    void restarted.then(() => struck.resolve(true), struck.reject);
    return 'drop';
  };
  const timer = setTimeout(() => {
    if (!taken) struck.resolve(false);
  }, withinMs);
  try {
    return await struck.promise;
  } finally {
    clearTimeout(timer);
    stop();
  }
}
