import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultKind, lasting, type Stage } from '../fault.ts';
import type { Slot } from '../fleet.ts';
import { provoke } from './provoke.ts';
import { killAtStep, STEPS, type Step } from './steps.ts';

/** A step comes with the next poll that finds a stream; later, something else is amiss. */
const STEP_WITHIN_MS = 12_000;

function killAt(name: string, step: Step): FaultKind {
  return {
    name: `worker killed ${name}`,
    part: 'worker',
    mayRepeat: true,
    needsServices: true,
    async strike(stage) {
      const struck = killAtStep(stage, step, STEP_WITHIN_MS);
      await provoke(stage);
      return (await struck) ? undefined : 'the step did not come';
    },
  };
}

async function killOne(stage: Stage, slot: Slot | undefined): Promise<void> {
  if (slot && !slot.changing) await (await stage.fleet.kill(slot)).restarted;
}

function scaleTo(count: number): FaultKind {
  return {
    name: `${count === 2 ? 'two' : 'three'} workers at once`,
    part: 'worker',
    scales: true,
    lasts: [3_000, 8_000],
    async strike({ fleet }, lastsMs) {
      const added = await Promise.all(Array.from({ length: count - 1 }, () => fleet.add()));
      await Promise.all(added.map((slot) => slot.worker.ready()));
      await sleep(lastsMs);
      await Promise.all(added.map((slot) => fleet.remove(slot)));
    },
  };
}

export const workerKinds: FaultKind[] = [
  {
    name: 'worker killed at random',
    part: 'worker',
    mayRepeat: true,
    lasts: [0, 1_500],
    async strike(stage, lastsMs) {
      await sleep(lastsMs);
      await killOne(stage, stage.fleet.slots[0]);
    },
  },
  killAt('before the page is staged', STEPS['before-stage']),
  killAt('before the claim is known', STEPS['claim-reply']),
  killAt('before publishing', STEPS['before-publish']),
  killAt('before the confirm', STEPS['before-confirm']),
  killAt('before the mark', STEPS['before-mark']),
  {
    name: 'one of two workers killed',
    part: 'worker',
    mayRepeat: true,
    lasts: [500, 3_000],
    async strike(stage, lastsMs, random) {
      const { fleet } = stage;
      const added = await fleet.add();
      await added.worker.ready();
      await sleep(lastsMs);
      await killOne(stage, random.next() < 0.5 ? added : fleet.slots[0]);
      await added.worker.ready();
      await fleet.remove(added);
    },
  },
  scaleTo(2),
  scaleTo(3),
  lasting({
    name: 'all workers away',
    part: 'worker',
    leavesNoWorker: true,
    lasts: [4_000, 75_000],
    begin({ fleet, life }) {
      life.startOne();
      return fleet.pause();
    },
    end: ({ fleet }) => fleet.resume(),
  }),
  {
    name: 'rolling restart',
    part: 'worker',
    async strike({ fleet }) {
      for (const slot of [...fleet.slots]) await fleet.roll(slot);
    },
  },
];
