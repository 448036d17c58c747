import type { Logger } from '../lib/log.ts';
import type { Observations } from '../status/observe.ts';
import { findProblems } from '../status/problems.ts';

const LOOK_EVERY_MS = 15_000;

/**
 * Says in the log what `npm run client -- status` would say: what needs attention, and what to do about it. The logger sees
 * to it that what lasts is told now and then, and when it is over. What can't be observed tells of itself.
 *
 * @returns ends it
 */
export function tellProblems(observed: () => Promise<Observations>, logger: Logger): () => void {
  const look = async () => {
    // Lists that differ are told by who compares them, `SettingsTargets`.
    const { settingsDiffer: _, ...found } = await observed();
    // Half of the picture would look as if something were over.
    if (found.failures.length > 0) return;
    for (const { problem, advice } of findProblems(found, Date.now())) logger.warn(`${problem}: ${advice}`);
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => logger.debug({ err: error }, 'what needs attention could not be found out'));
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
