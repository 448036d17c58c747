import type { Activities } from '../activities/index.ts';
import type { Progress } from '../storage/progress.ts';

/** The same activities; those that show that polls get somewhere tell `progress`. */
export function noteProgress(activities: Activities, progress: Pick<Progress, 'note'>): Activities {
  return {
    ...activities,
    async fetchTargets(input) {
      const fetched = await activities.fetchTargets(input);
      // Without targets nothing will ever be compared: such a poll ends here.
      if (!input.from && fetched.parts.length === 0) progress.note();
      return fetched;
    },
    async diffStreams(input) {
      const found = await activities.diffStreams(input);
      progress.note();
      return found;
    },
  };
}
