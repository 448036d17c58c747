import { groupGames } from '../poll/gameGroups.ts';
import type { FetchedTargets, FetchTargetsInput, NoteRefusedInput } from '../poll/steps.ts';
import { startWalk, type TargetsPart, walkOn } from '../poll/walk.ts';
import { runAttempt } from './attempt.ts';
import type { Dependencies } from './dependencies.ts';
import { openPoll } from './openPoll.ts';

export function targetActivities(dependencies: Dependencies) {
  const { streams, targets } = dependencies;
  return {
    /** Reads the next targets of the walk, at most 2,000; the first call of a poll also opens it in the store. */
    async fetchTargets(input: FetchTargetsInput): Promise<FetchedTargets> {
      return runAttempt(async () => {
        const opened = input.from ? undefined : await openPoll(dependencies, input);
        const from = input.from ?? startWalk(opened?.rhythm?.dormantPerPoll, input.last.turnAfter);
        const { parts, ...walked } = await walkOn(targets, from);
        const sifted = (await Promise.all(parts.map(sift))).flat();
        return { parts: sifted, ...walked, ...(opened && { opened }) };
      });
    },

    /** Sets targets aside that Twitch refuses, and takes back those that it accepts again. */
    async noteRefused({ kind, refused, accepted }: NoteRefusedInput): Promise<void> {
      return runAttempt(() => targets.refused.note(kind, refused, accepted, Date.now()));
    },
  };

  /** Leaves out the ids that Twitch refuses, and cuts games into requests. */
  async function sift({ from, ids }: TargetsPart): Promise<TargetsPart[]> {
    const kind = from.group === 'game' ? 'game' : 'user';
    const { polled, triedAgain } = await targets.refused.sift(kind, ids, Date.now());
    if (polled.length + triedAgain.length === 0) return [];
    const groups = kind === 'game' && groupGames(await streams.countInGames(polled));
    return [{ from, ids: polled, ...(groups && { groups }), ...(triedAgain.length > 0 && { triedAgain }) }];
  }
}
