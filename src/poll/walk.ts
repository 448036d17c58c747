/**
 * Where a poll is in its walk over the targets: users first, then games, then the dormant users whose turn it is; each group
 * in bytewise order.
 */
export interface Cursor {
  group: 'user' | 'game' | 'dormant';
  /** The last id of the group that was handed out; absent at its beginning. */
  after?: string;
  /** Absent when every target has the same rhythm. Else the group `user` is the hot users only, and these take turns. */
  dormant?: DormantTurn;
}

export interface DormantTurn {
  /** The last dormant user that had its turn, in this poll or an earlier one; absent at the beginning. */
  after?: string;
  /** How many more are to be polled in this poll. */
  left: number;
}

export const IDS_PER_BATCH = 100;

/** The cursor behind some of the ids that were read behind `from`. */
export function advance(from: Cursor, ids: readonly string[]): Cursor {
  const last = ids.at(-1);
  if (last === undefined) return from;
  if (from.group !== 'dormant') return { ...from, after: last };
  return { group: 'dormant', dormant: { after: last, left: (from.dormant?.left ?? 0) - ids.length } };
}

/** The beginning of the group that follows. */
export function nextGroup({ group, dormant }: Cursor): Cursor | undefined {
  if (group === 'user') return { group: 'game', ...(dormant && { dormant }) };
  return group === 'game' && dormant ? { group: 'dormant', dormant } : undefined;
}
