import type { Activities } from '../activities/index.ts';
import type { Polls } from '../storage/polls.ts';
import type { Series } from '../storage/series.ts';

export interface Noted {
  polls: Pick<Polls, 'noteProgress'>;
  series: Pick<Series, 'noteRequest'>;
  /** Told of each page that was read. */
  onPage: (streams: number) => void;
}

/** The same activities; those that show that polls get somewhere tell the store, and those that ask Twitch are counted. */
export function noteProgress(activities: Activities, { polls, series, onPage }: Noted): Activities {
  return {
    ...activities,
    async pollPage(input) {
      series.noteRequest();
      const page = await activities.pollPage(input);
      onPage(page.streams);
      return page;
    },
    checkUsers() {
      series.noteRequest();
      return activities.checkUsers();
    },
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
