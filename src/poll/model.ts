/** The terms that all parts share. Ids are opaque strings: Twitch does not promise that they are numeric. */

export const TARGET_KINDS = ['user', 'game'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/**
 * Ids (or names) that one Helix request takes, for streams, users and games alike: more are refused with a 400
 * (lichess-org/lila #5668). And streams on one page of an answer.
 */
export const IDS_PER_REQUEST = 100;
export const STREAMS_PER_PAGE = 100;

/** Labels that one target may have. */
export const MOST_LABELS = 10;

/** Up to 100 targets of one kind: what one Helix request asks for. */
export interface Batch {
  /** Counts from 0 over the whole poll, continue-as-new included. */
  no: number;
  kind: TargetKind;
  ids: string[];
}

/** A live stream as Helix shows it. `gameId` and `title` may be empty. */
export interface Stream {
  id: string;
  userId: string;
  userLogin: string;
  gameId: string;
  title: string;
  /** RFC 3339, UTC, as Twitch sent it. */
  startedAt: string;
}

/**
 * Why a stream is announced: it `started`; it was already on when its target was first polled (`first_sight`); or it
 * came into a watched game while on air (`entered_game`).
 */
export type Reason = 'started' | 'entered_game' | 'first_sight';

/** A stream to announce: claimed by one poll, kept in Temporal's history until the broker has confirmed it. */
export interface StreamEvent extends Stream {
  reason: Reason;
  /** RFC 3339: when the diff found it. */
  detectedAt: string;
}
