import { z } from 'zod';
import type { FaultOrder, Match } from './faults.ts';
import type { GoLive, StreamChange } from './liveStream.ts';
import type { SimulationOptions } from './simulate.ts';

const ms = z.number().min(0);
const count = z.int().min(0);
const maybe = <T extends z.ZodType>(schema: T) => schema.exactOptional();

const match: z.ZodType<Match> = z.strictObject({
  endpoint: maybe(z.enum(['streams', 'users', 'games', 'token', 'validate'])),
  id: maybe(z.string()),
  page: maybe(z.int().min(1)),
  lastPage: maybe(z.boolean()),
});

const when = {
  times: maybe(z.int().min(1)),
  forMs: maybe(ms),
  probability: maybe(z.number().min(0).max(1)),
  grows: maybe(z.strictObject({ perId: maybe(z.number().min(0)), perConcurrent: maybe(z.number().min(0)) })),
  match: maybe(match),
};

function fault<const K extends FaultOrder['kind'], S extends z.ZodRawShape>(kind: K, shape: S) {
  return z.strictObject({ kind: z.literal(kind), ...shape, ...when });
}

/** A fault as it is ordered over HTTP: the same as in the process, but without a function to match with. */
export const faultOrder: z.ZodType<FaultOrder> = z.discriminatedUnion('kind', [
  fault('status', { status: z.int().min(200).max(599), html: maybe(z.boolean()), body: maybe(z.string()) }),
  fault('rateLimit', { resetInSeconds: z.number().min(0) }),
  fault('slowHeaders', { delayMs: ms }),
  fault('slowBody', { overMs: ms }),
  fault('cut', { at: z.enum(['headers', 'body']), reset: maybe(z.boolean()) }),
  fault('hang', {}),
  fault('garbage', { as: z.enum(['invalidJson', 'wrongShape']) }),
  fault('malformedEntry', {}),
  fault('emptyData', {}),
  fault('shortPage', { size: maybe(z.int().min(1)) }),
  fault('loopCursor', {}),
  fault('invalidCursor', {}),
  fault('cursorToEmptyPage', {}),
  fault('deadCursor', {}),
  fault('refusedIds', { ids: z.array(z.string()).min(1) }),
  fault('noPagination', {}),
]);

const goLive: z.ZodType<GoLive> = z.strictObject({
  userId: z.string().min(1),
  gameId: maybe(z.string()),
  title: maybe(z.string()),
  startedAt: maybe(z.iso.datetime()),
  streamId: maybe(z.string().min(1)),
  viewers: maybe(count),
  language: maybe(z.string()),
});

const change: z.ZodType<StreamChange & { userId: string }> = z.strictObject({
  userId: z.string().min(1),
  title: maybe(z.string()),
  gameId: maybe(z.string()),
  login: maybe(z.string()),
  viewers: maybe(count),
});

export const simulation: z.ZodType<SimulationOptions> = z.strictObject({
  users: z.array(z.string()).min(1),
  games: maybe(z.array(z.string())),
  goLivePerSecond: maybe(z.number().min(0)),
  meanMinutesOnAir: maybe(z.number().min(0)),
  changePerSecond: maybe(z.number().min(0)),
  flapPerSecond: maybe(z.number().min(0)),
  liveAtStart: maybe(count),
});

/** A list, or a single one in place of a list of one. */
const several = <T>(schema: z.ZodType<T>) => z.preprocess((body) => [body].flat(), z.array(schema));

export const goLives = several(goLive);
export const changes = several(change);
export const ends = several(z.strictObject({ userId: z.string().min(1) }));
export const flaps = several(z.strictObject({ userId: z.string().min(1), ms }));
export const users = several(z.strictObject({ id: z.string().min(1), login: z.string().min(1) }));
export const games = several(
  z.strictObject({ id: z.string().min(1), name: z.string().min(1), igdbId: maybe(z.string()) }),
);
export const populations = z.strictObject({ users: maybe(count), games: maybe(count) });
export const settings = z.strictObject({
  viewerDrift: maybe(z.number().min(0).max(1)),
  tokenLifetimeSeconds: maybe(count),
});
export const points = z.strictObject({ points: z.number().min(0) });
export const otherClient = z.strictObject({ requestsPerMinute: z.number().min(0) });
export const worldQuery = z.object({ limit: z.coerce.number().int().min(0).default(1000) });
