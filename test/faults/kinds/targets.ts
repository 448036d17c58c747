import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { FaultKind, Stage } from '../fault.ts';
import type { TargetName } from '../ledger/truth.ts';

const CLIENT = resolve(import.meta.dirname, '../../../src/client.ts');
/** On a machine that is busy with everything else. */
const COMMAND_WITHIN_MS = 30_000;

/** Adds or removes targets as an operator does. @throws with what the command said */
export async function changeTargets({ system }: Stage, what: 'add' | 'remove', targets: TargetName[]): Promise<void> {
  for (const kind of ['user', 'game'] as const) {
    const ids = targets.filter((target) => target.startsWith(kind)).map((target) => target.slice(kind.length + 1));
    if (ids.length === 0) continue;
    const args = [CLIENT, 'targets', what, kind, ...ids];
    // In an empty folder, so that no .env of the working copy is read.
    const options = { cwd: system.dir, env: system.env, timeout: COMMAND_WITHIN_MS };
    await promisify(execFile)(process.execPath, args, options);
  }
}

/** What a removal takes away at once. */
const USERS = 25;

export const targetKinds: FaultKind[] = [
  {
    name: 'targets removed and added again',
    // Nor may the store lose meanwhile what was removed: the settings' targets would be back.
    part: 'store',
    lasts: [2_000, 12_000],
    async strike(stage, lastsMs, random) {
      const { truth, cast } = stage;
      const first = random.int(cast.byUser.length - USERS);
      const users = cast.byUser.slice(first, first + USERS).map((id): TargetName => `user:${id}`);
      const both = cast.byBoth.slice(0, 10).map((id): TargetName => `user:${id}`);
      const targets: TargetName[] = [...users, ...both, `game:${cast.games[2]}`];
      const settle = truth.doubt(targets, { removed: true });
      stage.life.startOne({ userId: users[0]?.slice('user:'.length) as string });
      await changeTargets(stage, 'remove', targets);
      truth.watch(targets, false);
      await sleep(lastsMs);
      truth.watch(targets, true);
      await changeTargets(stage, 'add', targets);
      settle();
      return `${targets.length} targets`;
    },
  },
];
