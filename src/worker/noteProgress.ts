import type { Activities } from '../activities/index.ts';
import type { Polls } from '../storage/polls.ts';

/** The same activities; those that show that polls get somewhere tell `polls`. */
export function noteProgress(activities: Activities, polls: Pick<Polls, 'noteProgress'>): Activities {
  return {
    ...activities,
    async fetchTargets(input) {
      const fetched = await activities.fetchTargets(input);
      // Without targets nothing will ever be compared: such a poll ends here.
      if (!input.from && fetched.parts.length === 0) polls.noteProgress();
      return fetched;
    },
    async diffStreams(input) {
      const found = await activities.diffStreams(input);
      polls.noteProgress();
      return found;
    },
  };
}
