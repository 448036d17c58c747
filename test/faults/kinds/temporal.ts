import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { DEFAULT_INSTANCE } from '../../../src/poll/names.ts';
import { pauseSchedule, resumeSchedule } from '../../../src/temporal/schedule/actions.ts';
import { type FaultKind, lasting } from '../fault.ts';

const POLICIES = {
  Skip: ScheduleOverlapPolicy.SKIP,
  BufferOne: ScheduleOverlapPolicy.BUFFER_ONE,
  BufferAll: ScheduleOverlapPolicy.BUFFER_ALL,
  CancelOther: ScheduleOverlapPolicy.CANCEL_OTHER,
  TerminateOther: ScheduleOverlapPolicy.TERMINATE_OTHER,
  AllowAll: ScheduleOverlapPolicy.ALLOW_ALL,
};

function overlap([name, policy]: [string, ScheduleOverlapPolicy]): FaultKind {
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
        await schedule.trigger(policy);
        triggers += 1;
        await sleep(30 + random.int(400));
      } while (Date.now() < endMs);
      return `${triggers} times`;
    },
  };
}

export const temporalKinds: FaultKind[] = [
  lasting({
    name: 'Temporal restarted',
    part: 'temporal',
    mayRepeat: true,
    lasts: [0, 3_000],
    begin: ({ system: { services } }) => services.temporal.stop(),
    end: ({ system: { services } }) => services.temporal.start(),
  }),
  lasting({
    name: 'Temporal killed',
    part: 'temporal',
    mayRepeat: true,
    lasts: [0, 3_000],
    begin: ({ system: { services } }) => services.temporal.kill(),
    end: ({ system: { services } }) => services.temporal.start(),
  }),
  lasting({
    name: 'schedule paused',
    part: 'schedule',
    lasts: [1_000, 6_000],
    begin: ({ system: { client } }) => pauseSchedule(client, 'fault run'),
    end: ({ system: { client } }) => resumeSchedule(client, 'fault run'),
  }),
  ...Object.entries(POLICIES).map(overlap),
];
