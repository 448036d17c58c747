import type { ActivityTimes, RunStats } from './histories.ts';
import { quantile } from './measure.ts';

/** Where the time goes between a page and the confirm of what it showed: a line for each step, p50 and p99 in ms. */
export function stepTimes(runs: readonly RunStats[]): [step: string, p50: number, p99: number][] {
  const steps = new Map<string, number[]>();
  const note = (step: string, ms: number) => {
    const times = steps.get(step) ?? [];
    steps.set(step, times);
    times.push(ms);
  };
  for (const { activities } of runs) {
    const published = activities.find(({ type }) => type === 'publishStreams');
    const compared = before(activities, 'diffStreams', published);
    const page = before(activities, 'pollPage', compared);
    if (!published || !compared || !page) continue;
    note('request, staging and report of the page', page.completedMs - page.startedMs);
    note('page reported until diff scheduled (a workflow task)', compared.scheduledMs - page.completedMs);
    note('diff scheduled until started', compared.startedMs - compared.scheduledMs);
    note('diff', compared.completedMs - compared.startedMs);
    note('diff until publish scheduled (a workflow task)', published.scheduledMs - compared.completedMs);
    note('publish scheduled until started', published.startedMs - published.scheduledMs);
    note('publish, with the marks', published.completedMs - published.startedMs);
    note('page reported until publish done', published.completedMs - page.completedMs);
  }
  return [...steps].map(([step, times]) => [step, quantile(times, 0.5), quantile(times, 0.99)]);
}

function before(
  activities: readonly ActivityTimes[],
  type: string,
  next: ActivityTimes | undefined,
): ActivityTimes | undefined {
  if (!next) return undefined;
  return activities.findLast((activity) => activity.type === type && activity.completedMs <= next.scheduledMs);
}
