import type { Random } from '../../sandbox/twitch/random.ts';
import type { FaultKind, Part } from './fault.ts';
import { KINDS } from './kinds/index.ts';

/** A fault to come. */
export interface Planned {
  kind: FaultKind;
  /** Before it strikes, counted from the end of the one before it in its lane. */
  waitMs: number;
  lastsMs: number;
  /** Strikes when the next request to Twitch goes out: when a poll is in progress. */
  aimed: boolean;
  /** For what it draws itself. */
  random: Random;
}

/** Faults that strike together: lanes run side by side, the faults of a lane one after the other. */
export type Wave = Planned[][];

const AIMED_SHARE = 0.7;

function plan(kind: FaultKind, random: Random, share: number, waitMs: number, first = false): Planned {
  const [least, most] = kind.lasts ?? [0, 0];
  return {
    kind,
    waitMs,
    lastsMs: Math.round(least + (most - least) * random.next() * share),
    aimed: random.next() < AIMED_SHARE || first,
    random: random.fork(`fault ${kind.name} ${random.int(1e9)}`),
  };
}

/** These are there or not for everybody: what needs them at a certain moment is not drawn together with them. */
const SERVICES: ReadonlySet<Part> = new Set(['broker', 'store', 'temporal']);

function canMeet(a: FaultKind, b: FaultKind): boolean {
  if (a.part === b.part) return false;
  const takesAway = (kind: FaultKind) => SERVICES.has(kind.part) || kind.leavesNoWorker === true;
  if ((a.needsServices && takesAway(b)) || (b.needsServices && takesAway(a))) return false;
  return !([a.part, b.part].includes('temporal') && [a.part, b.part].includes('schedule'));
}

/** Draws waves of one to three faults until there are `count`. Each kind comes once before any comes again. */
export function drawWaves(random: Random, count: number, kinds: readonly FaultKind[] = KINDS): Wave[] {
  const waves: Wave[] = [];
  const drawn = new Set<FaultKind>();
  let deck: FaultKind[] = [];
  let left = count;
  while (left > 0) {
    const size = Math.min(left, random.pick([1, 1, 2, 2, 2, 3]));
    const wave: Wave = [];
    while (wave.length < size) {
      if (deck.length === 0) deck = shuffle(random, kinds);
      const at = deck.findIndex((kind) => wave.every(([met]) => met && canMeet(met.kind, kind)));
      const [kind] = at < 0 ? [] : deck.splice(at, 1);
      if (!kind) break;
      // The first of each kind is aimed, so that every kind hits a poll.
      wave.push([plan(kind, random, 1, random.int(1_500), !drawn.has(kind))]);
      drawn.add(kind);
    }
    waves.push(wave);
    left -= wave.length;
  }
  return waves;
}

function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}

/** Shares of the longest duration, and pauses in a lane, that let every kind strike within a minute. */
const SHORT_SHARE = 0.1;
const SHORT_WAIT_MS = 150;

/** The waves of a short run: every kind of fault once, several at a time. */
export function shortWaves(random: Random): Wave[] {
  const of = (part: Part, filter: (kind: FaultKind) => boolean = () => true) =>
    KINDS.filter((kind) => kind.part === part && filter(kind));
  const lane = (kinds: readonly FaultKind[]) => kinds.map((kind) => plan(kind, random, SHORT_SHARE, SHORT_WAIT_MS));
  const twitch = of('twitch', (kind) => !kind.needsServices);
  const delicate = (part: Part) => lane(of(part, (kind) => kind.needsServices === true));
  const half = Math.ceil(twitch.length / 2);
  const broker = of('broker');
  const slow = broker.filter((kind) => kind.slow);
  const scaling = of('worker', (kind) => kind.scales === true);
  const others = of('worker', (kind) => !kind.needsServices && !kind.scales);
  return [
    [[...delicate('worker'), ...delicate('store')], lane(twitch.slice(0, half)), lane(of('schedule'))],
    [
      lane(broker.filter((kind) => !kind.slow)),
      lane(of('store', (kind) => !kind.needsServices)),
      lane(twitch.slice(half)),
      lane(scaling),
    ],
    [lane(slow), lane(of('temporal')), lane(others)],
    [delicate('twitch')],
  ];
}
