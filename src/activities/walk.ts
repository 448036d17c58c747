import { advance, type Cursor, IDS_PER_BATCH } from '../poll/walk.ts';
import type { Targets } from '../storage/targets.ts';

export interface GroupRead {
  ids: string[];
  /** Behind the last id; absent at the end of the group. */
  rest?: Cursor;
}

/**
 * Reads up to `limit` ids of the cursor's group, whole batches when `mostBytes` of JSON cut them short. With a limit of 0 it
 * only tells whether any are left.
 */
export async function readGroup(targets: Targets, from: Cursor, limit: number, mostBytes: number): Promise<GroupRead> {
  if (from.group === 'dormant') return readDormant(targets, from, limit, mostBytes);
  const found =
    from.group === 'user' && from.dormant
      ? await targets.listHot(from.after, limit + 1)
      : await targets.list(from.group, from.after, limit + 1);
  const ids = fitting(found.slice(0, limit), mostBytes);
  const atEnd = ids.length === found.length;
  return atEnd ? { ids } : { ids, rest: advance(from, ids) };
}

/** Goes through the users, passes over the hot ones, and stops when as many dormant ones are found as are wanted. */
async function readDormant(targets: Targets, from: Cursor, limit: number, mostBytes: number): Promise<GroupRead> {
  const wanted = Math.min(limit, from.dormant?.left ?? 0);
  const dormant: string[] = [];
  let after = from.dormant?.after;
  while (dormant.length < wanted) {
    const users = await targets.list('user', after, limit);
    const hot = await targets.hotAmong(users);
    dormant.push(...users.filter((id) => !hot.has(id)));
    after = users.at(-1);
    if (users.length < limit) break;
  }
  const atEnd = dormant.length < wanted;
  const ids = fitting(dormant.slice(0, wanted), mostBytes);
  return atEnd && ids.length === dormant.length ? { ids } : { ids, rest: advance(from, ids) };
}

function fitting(ids: string[], mostBytes: number): string[] {
  let fits = ids.length;
  while (fits > IDS_PER_BATCH && Buffer.byteLength(JSON.stringify(ids.slice(0, fits))) > mostBytes) {
    fits -= fits % IDS_PER_BATCH || IDS_PER_BATCH;
  }
  return ids.slice(0, fits);
}
