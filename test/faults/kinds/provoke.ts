import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { LiveStream } from '../../../sandbox/twitch/index.ts';
import { DEFAULT_INSTANCE } from '../../../src/poll/names.ts';
import type { Stage } from '../fault.ts';

/** Gives the workers something to announce, and a poll that finds it even if another one is stuck. */
export async function provoke({ life, system }: Stage): Promise<LiveStream> {
  const stream = life.startOne();
  await system.client.schedule.getHandle(DEFAULT_INSTANCE).trigger(ScheduleOverlapPolicy.ALLOW_ALL);
  return stream;
}
