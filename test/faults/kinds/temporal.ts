import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { DEFAULT_INSTANCE } from '../../../src/poll/names.ts';
import { pauseSchedule, resumeSchedule } from '../../../src/temporal/schedule/actions.ts';
import type { FaultKind } from '../fault.ts';

const POLICIES = {
  Skip: ScheduleOverlapPolicy.SKIP,
  BufferOne: ScheduleOverlapPolicy.BUFFER_ONE,
  BufferAll: ScheduleOverlapPolicy.BUFFER_ALL,
  CancelOther: ScheduleOverlapPolicy.CANCEL_OTHER,
  TerminateOther: ScheduleOverlapPolicy.TERMINATE_OTHER,
  AllowAll: ScheduleOverlapPolicy.ALLOW_ALL,
} as const;

function overlap(name: keyof typeof POLICIES): FaultKind {
  return {
    name: `polls triggered, ${name}`,
    part: 'schedule',
    // Who terminates a poll while it publishes takes away the only one who knows what was confirmed.
    ...(name === 'TerminateOther' && { mayRepeat: true }),
    lasts: [500, 2_500],
    async strike({ system, life }, lastsMs, random) {
      const schedule = system.client.schedule.getHandle(DEFAULT_INSTANCE);
      const endMs = Date.now() + lastsMs;
      let triggers = 0;
      do {
        life.startOne();
        await schedule.trigger(POLICIES[name]);
        triggers += 1;
        await sleep(30 + random.int(400));
      } while (Date.now() < endMs);
      return `${triggers} times`;
    },
  };
}

export const temporalKinds: FaultKind[] = [
  {
    name: 'Temporal restarted',
    part: 'temporal',
    mayRepeat: true,
    lasts: [0, 3_000],
    async strike({ system: { services } }, lastsMs) {
      await services.temporal.stop();
      await sleep(lastsMs);
      await services.temporal.start();
      return undefined;
    },
  },
  {
    name: 'Temporal killed',
    part: 'temporal',
    mayRepeat: true,
    lasts: [0, 3_000],
    async strike({ system: { services } }, lastsMs) {
      await services.temporal.kill();
      await sleep(lastsMs);
      await services.temporal.start();
      return undefined;
    },
  },
  {
    name: 'schedule paused',
    part: 'schedule',
    lasts: [1_000, 6_000],
    async strike({ system: { client } }, lastsMs) {
      await pauseSchedule(client, 'fault run');
      await sleep(lastsMs);
      await resumeSchedule(client, 'fault run');
      return undefined;
    },
  },
  ...(Object.keys(POLICIES) as (keyof typeof POLICIES)[]).map(overlap),
];
