import type { GameGroup } from './gameGroups.ts';
import { TARGETS_PER_CALL } from './limits.ts';
import { IDS_PER_REQUEST, type TargetKind } from './model.ts';

/**
 * Where a poll is in its walk over the targets: all users, then all games; or, where not every user can be polled each time,
 * the hot users, the games, and the dormant users whose turn it is. Each group is in bytewise order. Stands in histories.
 */
export type Cursor =
  /** Users are the hot ones only if there are dormant ones that take turns. `after`: the last id that was handed out. */
  { group: 'user' | 'game'; after?: string; dormant?: DormantTurn } | { group: 'dormant'; dormant: DormantTurn };

export interface DormantTurn {
  /** The last dormant user that had its turn, in this poll or an earlier one; absent at the beginning. */
  after?: string;
  /** How many more are to be polled in this poll. */
  left: number;
}

/** What the walk reads: ids in bytewise order, up to `limit` behind `after`, fewer only at the end. */
export interface TargetReads {
  list(kind: TargetKind, after: string | undefined, limit: number): Promise<string[]>;
  listHot(after: string | undefined, limit: number): Promise<string[]>;
  hotAmong(ids: readonly string[]): Promise<Set<string>>;
}

/** Ids of one group, and the cursor that they were read behind. */
export interface TargetsPart {
  from: Cursor;
  ids: string[];
  /** For games: how the ids are cut into requests, one group behind the other. */
  groups?: GameGroup[];
  /** Ids that Twitch refused in an earlier poll: each is asked for in a request of its own. */
  triedAgain?: string[];
}

export interface Walked {
  parts: TargetsPart[];
  /** Where to go on; absent behind the last target. */
  next?: Cursor;
  /** Set when the dormant users of this poll are all there. Without `after` the turn is complete: all have had theirs. */
  turn?: { after?: string };
}

/** @param dormantPerPoll absent if every user is polled each time @param turnAfter see `DormantTurn.after` */
export function startWalk(dormantPerPoll?: number, turnAfter?: string): Cursor {
  if (dormantPerPoll === undefined) return { group: 'user' };
  return { group: 'user', dormant: { ...(turnAfter !== undefined && { after: turnAfter }), left: dormantPerPoll } };
}

/** Reads on from a cursor until a call's ids or bytes (a batch more at most) are used up. A group is only cut behind whole batches. */
export async function walkOn(targets: TargetReads, start: Cursor, perCall = TARGETS_PER_CALL): Promise<Walked> {
  const parts: TargetsPart[] = [];
  let { ids: room, bytes } = perCall;
  for (let from: Cursor | undefined = start; from; from = nextGroup(from)) {
    // Without room it still looks whether anything follows: an empty answer more would be an activity more in each poll.
    const limit = bytes > 0 ? room - (room % IDS_PER_REQUEST) : 0;
    const found = await read(targets, from, limit);
    const ids = fitting(found.ids, bytes);
    if (ids.length > 0) parts.push({ from, ids });
    const behind = advance(from, ids);
    const ended = found.atEnd && ids.length === found.ids.length;
    if (behind.group === 'dormant') {
      if (ended) return { parts, turn: {} };
      const { after, left } = behind.dormant;
      if (left === 0) return { parts, turn: { ...(after !== undefined && { after }) } };
    }
    if (!ended) return { parts, next: behind };
    room -= ids.length;
    bytes -= bytesOf(ids);
  }
  return { parts };
}

interface GroupRead {
  ids: string[];
  /** The group has no more. */
  atEnd: boolean;
}

/** Reads up to `limit` ids of the cursor's group. */
async function read(targets: TargetReads, from: Cursor, limit: number): Promise<GroupRead> {
  if (from.group === 'dormant') return readDormant(targets, from.dormant, limit);
  const found = isOfHot(from)
    ? await targets.listHot(from.after, limit + 1)
    : await targets.list(from.group, from.after, limit + 1);
  return { ids: found.slice(0, limit), atEnd: found.length <= limit };
}

/** Goes through the users, passes over the hot ones, and stops when as many dormant ones are found as are wanted. */
async function readDormant(targets: TargetReads, turn: DormantTurn, limit: number): Promise<GroupRead> {
  const wanted = Math.min(limit, turn.left);
  const ids: string[] = [];
  let { after } = turn;
  while (ids.length < wanted) {
    const users = await targets.list('user', after, limit);
    const hot = await targets.hotAmong(users);
    ids.push(...users.filter((id) => !hot.has(id)));
    after = users.at(-1);
    if (users.length < limit) break;
  }
  return { ids: ids.slice(0, wanted), atEnd: ids.length < wanted };
}

/** The cursor behind some of the ids that were read behind `from`. */
function advance(from: Cursor, ids: readonly string[]): Cursor {
  const last = ids.at(-1);
  if (last === undefined) return from;
  if (from.group !== 'dormant') return { ...from, after: last };
  return { group: 'dormant', dormant: { after: last, left: from.dormant.left - ids.length } };
}

/** The beginning of the group that follows; undefined at the end of the walk. */
function nextGroup({ group, dormant }: Cursor): Cursor | undefined {
  if (group === 'user') return { group: 'game', ...(dormant && { dormant }) };
  return group === 'game' && dormant ? { group: 'dormant', dormant } : undefined;
}

function isOfHot({ group, dormant }: Cursor): boolean {
  return group === 'user' && dormant !== undefined;
}

function fitting(ids: string[], bytes: number): string[] {
  let fits = ids.length;
  while (fits > IDS_PER_REQUEST && bytesOf(ids.slice(0, fits)) > bytes)
    fits -= fits % IDS_PER_REQUEST || IDS_PER_REQUEST;
  return ids.slice(0, fits);
}

function bytesOf(ids: readonly string[]): number {
  return new TextEncoder().encode(JSON.stringify(ids)).length;
}

/** What one request asks for, and where the walk goes on behind it. */
export interface CutBatch {
  kind: TargetKind;
  ids: string[];
  /** Streams that are known to be live for the ids, 0 if that is not known. */
  known: number;
  /** The ids were refused in an earlier poll, and are tried again. */
  refusedBefore: boolean;
  /** The ids are of the hot users only. */
  hot: boolean;
  behind: Cursor;
}

/** Cuts what was read into requests. */
export function* cutBatches(parts: readonly TargetsPart[]): Generator<CutBatch> {
  for (const { from, ids: all, groups, triedAgain = [] } of parts) {
    const kind = from.group === 'game' ? 'game' : 'user';
    const hot = isOfHot(from);
    let at = 0;
    for (let i = 0; at < all.length; i += 1) {
      const { size = IDS_PER_REQUEST, live = 0 } = groups?.[i] ?? {};
      const ids = all.slice(at, at + size);
      at += size;
      yield { kind, ids, known: live, refusedBefore: false, hot, behind: advance(from, all.slice(0, at)) };
    }
    const behind = advance(from, all);
    for (const id of triedAgain) yield { kind, ids: [id], known: 0, refusedBefore: true, hot, behind };
  }
}
