import { TARGET_KINDS, type TargetKind } from '../../poll/model.ts';
import type { ApiTarget, TargetsService } from './targetSchemas.ts';

export const TARGET_STATES = ['all', 'live', 'refused', 'gone'] as const;

export interface ListTargets {
  kind?: TargetKind | undefined;
  state: (typeof TARGET_STATES)[number];
  label?: string | undefined;
  /** `next` of the page before: kind and id of the last target that was looked at. */
  after?: string | undefined;
  limit: number;
}

/** Ids that are read at once where only some are wanted: each read holds the store for a millisecond. */
const STEP = 1_000;
/** Targets that one page looks at: enough for a page of 200 when one in a hundred is wanted. */
const MOST_LOOKED_AT = 20_000;

/**
 * One page of targets, users first, in the order of their ids. Where only some are wanted it is not full when these are
 * rare, and may even be empty: `next` is there as long as there are more to look at.
 */
export async function listTargets(targets: TargetsService, wanted: ListTargets) {
  const ids: Record<TargetKind, string[]> = { user: [], game: [] };
  const next = await findPage(targets, wanted, ids);
  const [users, games, user, game] = await Promise.all([
    targets.describe('user', ids.user),
    targets.describe('game', ids.game),
    targets.count('user'),
    targets.count('game'),
  ]);
  return { counts: { user, game }, targets: [...users, ...games] as ApiTarget[], ...(next && { next }) };
}

/** Adds the ids of a page to `page`. @returns behind which target the next page begins, if there is one */
async function findPage(
  targets: TargetsService,
  wanted: ListTargets,
  page: Record<TargetKind, string[]>,
): Promise<string | undefined> {
  let room = wanted.limit;
  let left = MOST_LOOKED_AT;
  let last = '';
  for await (const { kind, ids, hits } of steps(targets, wanted)) {
    page[kind].push(...hits.slice(0, room));
    if (hits.length > room) return room === 0 ? last : `${kind}:${hits[room - 1]}`;
    room -= hits.length;
    left -= ids.length;
    if (ids.length > 0) last = `${kind}:${ids.at(-1)}`;
    if (left <= 0) return last;
  }
  return undefined;
}

/** Walks over the targets of a state, and tells which of each step are wanted. */
async function* steps(targets: TargetsService, { kind: only, state, label, after, limit }: ListTargets) {
  const [, afterKind, afterId] = /^(user|game):(.*)$/.exec(after ?? '') ?? [];
  const usersOnly = state === 'live' || state === 'gone';
  const kinds = TARGET_KINDS.filter((kind) => (!only || kind === only) && !(usersOnly && kind === 'game'));
  const size = state === 'live' || label ? STEP : limit + 1;
  for (const kind of kinds.slice(Math.max(0, kinds.indexOf(afterKind as TargetKind)))) {
    const read = await readerOf(targets, kind, state);
    for (let behind = kind === afterKind ? afterId : undefined; ; ) {
      const ids = await read(behind, size);
      const labels = label && (await targets.labelsOf(kind, ids));
      const live = state === 'live' && (await targets.liveAmong(ids));
      const hits = ids.filter((id) => (!labels || labels.get(id)?.includes(label)) && (!live || live.has(id)));
      yield { kind, ids, hits };
      behind = ids.at(-1);
      if (ids.length < size) break;
    }
  }
}

type Reader = (behind: string | undefined, limit: number) => Promise<string[]>;

async function readerOf(targets: TargetsService, kind: TargetKind, state: ListTargets['state']): Promise<Reader> {
  if (state !== 'refused' && state !== 'gone') return (behind, limit) => targets.list(kind, behind, limit);
  const all = (state === 'refused' ? await targets.listRefused(kind) : await targets.listGone()).sort();
  return async (behind, limit) => {
    const from = behind === undefined ? 0 : all.findIndex((id) => id > behind);
    return from < 0 ? [] : all.slice(from, from + limit);
  };
}
