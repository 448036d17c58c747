import { z } from 'zod';
import { CHANNEL_URL, LOGIN, NUMERIC_ID, TARGET_ID } from '../../poll/ids.ts';
import { MOST_LABELS, TARGET_KINDS, type TargetKind } from '../../poll/model.ts';
import { liveStreamSchema } from './streams.ts';

export const MOST_IN_CALL = 10_000;
/** Each hundred names are a request to Twitch, beside those of the polls. */
export const MOST_NAMES = 1_000;

export const kindSchema = z.enum(TARGET_KINDS);
const time = z.iso.datetime();

export const targetSchema = z
  .object({
    kind: kindSchema,
    id: z.string(),
    addedAt: time.optional(),
    labels: z.array(z.string()).optional().describe('Travel with its events as the header x-labels'),
    live: liveStreamSchema.optional().describe('Of a user: the stream that is on'),
    refused: z
      .object({ reason: z.string(), since: time, retryAt: time })
      .optional()
      .describe('Twitch refuses requests for this id: it is set aside until `retryAt`'),
    gone: z.object({ since: time }).optional().describe('Twitch no longer knows this user'),
  })
  .describe('A user or game that is watched');

/** A target as the API shows it; times are RFC 3339. */
export type ApiTarget = z.output<typeof targetSchema>;

/** Of one target alone: what takes longer to find out. */
export const targetDetailSchema = targetSchema.extend({
  nextPoll: z
    .object({
      why: z
        .enum(['next', 'turn', 'again', 'paused'])
        .describe(
          'next: it is in every poll; turn: users that were not live lately take turns; again: when it is tried again that ' +
            'Twitch refuses; paused: polls do not run',
        ),
      at: time.optional().describe('When that poll begins, estimated'),
    })
    .optional(),
  unreachedSince: time.optional().describe('No poll has reached it since then: its requests fail'),
});

/** One target as the API shows it. */
export type ApiTargetDetail = z.output<typeof targetDetailSchema>;

export const idSchema = z.string().regex(TARGET_ID, 'expected an id: letters, digits, "_" and "-", at most 64');
export const newIdSchema = z
  .string()
  .regex(NUMERIC_ID, 'expected an id of Twitch, which is a number; names go into logins or names');
const login = z
  .string()
  .regex(LOGIN, 'expected a login: letters, digits and "_", at most 25')
  .transform((text) => text.toLowerCase());
const channelUrl = z
  .string()
  .regex(CHANNEL_URL, 'expected the address of a channel, such as https://www.twitch.tv/pixelpanda')
  .transform((text) => (CHANNEL_URL.exec(text)?.[1] ?? '').toLowerCase());

export const labelSchema = z
  .string()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u, 'expected at most 64 characters, and none that controls a display')
  .refine((text) => text.trim() === text && text.isWellFormed(), 'expected a text without spaces around it');
export const labelsSchema = z
  .array(labelSchema)
  .max(MOST_LABELS)
  .transform((all) => [...new Set(all)])
  .describe('Take the place of those that the targets had; none: takes them away; absent: leaves them');

export function bulkSchema(ids: z.ZodString) {
  const list = <T extends z.ZodType>(of: T, most: number) => z.array(of).max(most).default([]);
  return z
    .strictObject({
      users: z
        .strictObject({
          ids: list(ids, MOST_IN_CALL),
          logins: list(login, MOST_NAMES),
          urls: list(channelUrl, MOST_NAMES),
        })
        .partial()
        .default({}),
      games: z
        .strictObject({ ids: list(ids, MOST_IN_CALL), names: list(z.string().min(1).max(200), MOST_NAMES) })
        .partial()
        .default({}),
      labels: labelsSchema.optional(),
    })
    .describe('Users by id, login or channel address; games by id or exact name, looked up at Twitch');
}
export type Bulk = z.output<ReturnType<typeof bulkSchema>>;

export const changedSchema = z.object({
  changed: z.array(z.object({ kind: kindSchema, id: z.string() })).describe('What was added, or removed'),
  unchanged: z
    .array(z.object({ kind: kindSchema, id: z.string() }))
    .describe('What was there already, or was not there'),
  unknown: z.array(z.string()).describe('Names that Twitch does not know'),
});

/** What the routes work with. */
export interface TargetsService {
  count(kind: TargetKind): Promise<number>;
  list(kind: TargetKind, after: string | undefined, limit: number): Promise<string[]>;
  /** Those of the ids that are targets, with all that is known of each, in the same order. */
  describe(kind: TargetKind, ids: readonly string[]): Promise<ApiTarget[]>;
  /** One target; undefined if there is no such target. */
  detail(kind: TargetKind, id: string): Promise<ApiTargetDetail | undefined>;
  /** Those of the ids that are targets. */
  among(kind: TargetKind, ids: readonly string[]): Promise<Set<string>>;
  /** Those of the users that are live. */
  liveAmong(ids: readonly string[]): Promise<Set<string>>;
  labelsOf(kind: TargetKind, ids: readonly string[]): Promise<Map<string, string[]>>;
  /** Ids of those that Twitch refuses, or no longer knows. */
  listRefused(kind: TargetKind): Promise<string[]>;
  listGone(): Promise<string[]>;
  /** @param labels in place of those that they had; absent: they keep them */
  add(kind: TargetKind, ids: readonly string[], labels?: readonly string[]): Promise<number>;
  /** Gives targets labels in place of those that they had. */
  label(kind: TargetKind, ids: readonly string[], labels: readonly string[]): Promise<void>;
  remove(kind: TargetKind, ids: readonly string[]): Promise<number>;
  /** Ids by login (users) or exact name (games), in lower case. */
  lookUp(kind: TargetKind, names: readonly string[]): Promise<Map<string, string>>;
}
