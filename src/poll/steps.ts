import type { RefusedId } from './bisection.ts';
import type { Batch, StreamEvent, TargetKind } from './model.ts';
import type { LastPoll } from './report.ts';
import type { UnpolledTargets } from './unpolled.ts';
import type { Cursor, Walked } from './walk.ts';

/**
 * What a poll's steps are given and return: the plain data between the workflows and the activities. It stands in histories,
 * so a field may be added (absent in older ones), but none renamed or given another meaning.
 */

/** The poll that a command belongs to, the same through continue-as-new. */
export interface PollRef {
  id: string;
  /** Unix milliseconds by Temporal's clock: when its first run began. */
  startedMs: number;
  /** From `openPoll`: orders polls whatever clocks do. Absent in runs that were opened before there were numbers. */
  no?: number;
}

/** One page of a batch, staged by `stagePage`. */
export interface PageRef {
  batch: number;
  page: number;
  /** Streams on the page; none are staged for an empty one. */
  streams: number;
}

export interface FetchTargetsInput {
  poll: PollRef;
  /** Absent in a poll's first call, which opens the poll. */
  from?: Cursor;
  /** What the schedule's last completion result says. */
  last: LastPoll;
}

export interface FetchedTargets extends Walked {
  /** Set by the first call. */
  opened?: OpenedPoll;
}

export interface OpenedPoll {
  /** The poll's number, and the store's version when it began. Absent in histories of before there were numbers. */
  no?: number;
  intervalSeconds: number;
  requestsPerMinute: number;
  /** The store has lost what earlier polls wrote. */
  stateLost: boolean;
  /** Size of the live set. Absent in histories of before it was told. */
  live?: number;
  /** Targets that are set aside because Twitch refuses them; absent if there are none. */
  refused?: number;
  /** User targets that Twitch no longer knows; absent if there are none. */
  gone?: number;
  /** Checks for such users that are due; absent if none is, as in most polls. */
  userChecks?: number;
  /** Two tiers of users; absent when every target is in every poll. */
  rhythm?: { hot: number; dormant: number; dormantPerPoll: number };
}

export interface NoteRefusedInput {
  kind: TargetKind;
  refused: RefusedId[];
  /** Refused before, and not now. */
  accepted: string[];
}

export interface PollPageInput {
  poll: PollRef;
  batch: Batch;
  /** Counts from 0 in each batch. */
  page: number;
  /** The cursor that the page before returned. */
  after?: string;
}

export interface PageSummary {
  streams: number;
  /** Streams that nobody has claimed or announced yet. */
  unseen: number;
  /** Entries of the page that could not be read. */
  malformed: number;
  /** What failed before the page came, a kind for each request: `rate_limited`, `server`, `network`, … */
  failedRequests: string[];
  /** The cursor of the next page, absent on the last. */
  next?: string;
  /** That cursor leads nowhere, whatever follows. */
  dead?: true;
}

export interface UserCheck {
  /** What failed before the answer came, a kind for each request. */
  failedRequests: string[];
}

export interface DiffStreamsInput {
  poll: PollRef;
  /** The greatest version of the store that the poll has seen; absent in histories of before there were versions. */
  storeVersion?: number | undefined;
  /** Who claims: the same for all attempts of this diff, another for each diff of a poll. */
  owner: string;
  pages: PageRef[];
  /** Batches that were polled to their end, and whose pages are all in this or earlier diffs. */
  complete: Batch[];
  /** When the last complete poll began (Unix ms), 0 if unknown: what is older and shows up in a game now has entered it. */
  lastCompleteMs: number;
  /** Targets that earlier polls did not reach; absent if there are none, and in histories of before they were told. */
  unpolled?: readonly UnpolledTargets[] | undefined;
}

export interface DiffStreamsResult {
  /** New streams, claimed for `owner`: to be published. */
  events: StreamEvent[];
  /** How many of the pages are done. If fewer than given, misses were not counted: the rest wants another diff. */
  pagesDone: number;
  /** Numbers of batches whose pages are gone from the store: they count as not polled. */
  lost: number[];
  /** New streams that were suppressed. */
  silent: number;
  ended: number;
  /** Size of the live set. */
  live: number;
  /** Version of the store after the comparison; absent if it has lost the poll. */
  storeVersion?: number;
  /** Streams that could not be compared, if there are any; all others were. */
  skipped?: SkippedStreams;
  /** Why the misses of complete batches could not be counted, if so. */
  uncounted?: string;
}

export interface SkippedStreams {
  count: number;
  /** The targets that show them: they must count no miss in this poll. */
  users: string[];
  games: string[];
  /** The first few, with what the store said. */
  problems: string[];
}

/** Events that one diff has claimed, until each is announced. */
export interface Claimed {
  /** Who has claimed them. */
  owner: string;
  events: StreamEvent[];
  /** Ids among them that the broker has confirmed: these are only marked, never sent again. */
  confirmed?: string[];
}

export interface PublishStreamsInput extends Claimed {
  poll: PollRef;
  /**
   * Give up because of the broker when the next attempt would begin this long after the activity was scheduled; absent:
   * never. With 0 an attempt does not wait for a broker that is away either.
   */
  giveUpAfterSeconds?: number;
}

export interface DeliverEventsInput {
  poll: PollRef;
  claims: Claimed[];
}

export interface PublishStreamsResult {
  /** Messages that the broker has confirmed, without those that it had confirmed before. */
  announced: number;
  /** Streams that another owner has claimed or announced since. */
  left: number;
}
