import { userActivities } from './checkUsers.ts';
import type { Dependencies } from './dependencies.ts';
import { diffActivities } from './diffStreams.ts';
import { targetActivities } from './fetchTargets.ts';
import { pollActivities } from './pollPage.ts';
import { publishActivities } from './publishStreams.ts';

/**
 * All activities over their dependencies. Those that ask Twitch, `pollPage` and `checkUsers`, are for the rate-limited queue
 * alone.
 */
export function createActivities(dependencies: Dependencies) {
  return {
    ...targetActivities(dependencies),
    ...pollActivities(dependencies),
    ...userActivities(dependencies),
    ...diffActivities(dependencies),
    ...publishActivities(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
