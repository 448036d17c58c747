import type { Reason, StreamEvent } from '../poll/model.ts';
import type { DiffRequest, DiffResult, Skipped, StagedStream } from './diff.ts';
import type { StoreConnection } from './dragonfly.ts';
import { isScriptsOwn } from './storeErrors.ts';

/** Streams in one script call: bounds how long a script holds up other commands. */
const STREAMS_PER_CALL = 500;

type Complete = DiffRequest['complete'];
const NO_TARGETS: Complete = { users: [], games: [] };

/** One call of the script diffStreams. `seenVersion`: see `DiffRequest.storeVersion`. */
export type Compare = (
  streams: readonly StagedStream[],
  complete: Complete,
  claimBytes: number,
  seenVersion: number,
) => ReturnType<StoreConnection['diffStreams']>;

/**
 * Compares streams with what is known, some in a call, and counts misses for complete targets once all streams are handled.
 * A call that fails by itself is made again with half of its streams, down to the one that makes it fail: that one is
 * skipped, and its target counts no miss; the others are compared as if it were not there. A call that fails only over
 * misses leaves them uncounted.
 *
 * @param parts the complete targets, cut so that one call can look through each part
 * @throws what a call threw, if the store is to be waited for or the script fails whatever it is given
 */
export async function compareAll(
  request: DiffRequest,
  parts: readonly Complete[],
  compare: Compare,
): Promise<DiffResult> {
  const events: StreamEvent[] = [];
  const result: Exclude<DiffResult, { lost: true }> = {
    lost: false,
    handled: 0,
    silent: 0,
    ended: 0,
    live: 0,
    events,
    skipped: [],
    storeVersion: request.storeVersion ?? 0,
  };
  // What was claimed before a loss is in nobody's hands but ours now.
  const lost = (): DiffResult => (events.length > 0 ? result : { lost: true });
  // A stream that a user target and a game target show comes twice, and its claim is this owner's both times.
  const claimedIds = new Set<string>();
  let bytesLeft = request.claimBytes;
  let size = STREAMS_PER_CALL;
  let partsDone = 0;
  /** Misses are counted by calls of their own: one that counted them with the last streams has failed. */
  let apart = false;

  const call = async (streams: readonly StagedStream[], complete: Complete) => {
    const answer = await compare(streams, complete, bytesLeft, result.storeVersion);
    if (answer[0] === 'OK') result.storeVersion = answer[6];
    return answer;
  };

  while (result.handled < request.streams.length && bytesLeft > 0) {
    const some = request.streams.slice(result.handled, result.handled + size);
    const last = result.handled + some.length === request.streams.length;
    const counting = last && !apart;
    let answer: Awaited<ReturnType<Compare>>;
    try {
      answer = await call(some, counting ? without(result.skipped, parts[0]) : NO_TARGETS);
    } catch (error) {
      if (!isScriptsOwn(error)) throw error;
      if (counting) {
        apart = true;
        continue;
      }
      if (result.skipped.length === 0 && size === STREAMS_PER_CALL) await call([], NO_TARGETS);
      if (some.length === 1) {
        result.skipped.push({ stream: some[0] as StagedStream, why: (error as Error).message });
        result.handled += 1;
      }
      size = Math.ceil(some.length / 2);
      continue;
    }
    if (answer[0] === 'LOST') return lost();
    const [, handled, silent, ended, live, claimed] = answer;
    for (let i = 0; i < claimed.length; i += 2) {
      const stream = some[Number(claimed[i])] as StagedStream;
      bytesLeft -= eventBytes(stream);
      if (claimedIds.has(stream.id)) continue;
      claimedIds.add(stream.id);
      events.push(toEvent(stream, claimed[i + 1] as Reason, request.nowMs));
    }
    result.handled += handled;
    result.silent += silent;
    result.ended += ended;
    result.live = live;
    if (handled < some.length) return result;
    if (counting) partsDone = 1;
    size = Math.min(2 * size, STREAMS_PER_CALL);
  }
  if (result.handled < request.streams.length) return result;
  for (const part of parts.slice(partsDone)) {
    try {
      const answer = await call([], without(result.skipped, part));
      if (answer[0] === 'LOST') return lost();
      const [, , , ended, live] = answer;
      result.ended += ended;
      result.live = live;
    } catch (error) {
      if (!isScriptsOwn(error)) throw error;
      // What was claimed must not be lost over it.
      result.uncounted = (error as Error).message;
    }
  }
  return result;
}

/** The target that showed a stream. */
export function targetOf({ kind, userId, gameId }: StagedStream): string {
  return kind === 'user' ? userId : gameId;
}

function without(skipped: readonly Skipped[], { users, games }: Complete = NO_TARGETS): Complete {
  if (skipped.length === 0) return { users, games };
  const of = (kind: StagedStream['kind']) =>
    new Set(skipped.filter(({ stream }) => stream.kind === kind).map(({ stream }) => targetOf(stream)));
  const [usersOff, gamesOff] = [of('user'), of('game')];
  return { users: users.filter((id) => !usersOff.has(id)), games: games.filter((id) => !gamesOff.has(id)) };
}

/** What a stream's event takes in the history, but for its reason and time. */
export function eventBytes(stream: StagedStream): number {
  return Buffer.byteLength(JSON.stringify(stream));
}

function toEvent(stream: StagedStream, reason: Reason, nowMs: number): StreamEvent {
  const { id, userId, userLogin, gameId, title, startedAt } = stream;
  return { id, userId, userLogin, gameId, title, startedAt, reason, detectedAt: new Date(nowMs).toISOString() };
}
