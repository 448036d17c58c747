import { z } from 'zod';
import { ID } from '../poll/ids.ts';
import type { Stream } from '../poll/model.ts';
import { type Answer, TwitchError } from './errors.ts';
import { cleanText } from './text.ts';

/** An entry with another is malformed. */
const id = z.string().regex(ID, 'expected 1 to 64 visible ASCII characters');

/** Caps in UTF-16 units, far above what Twitch allows: a title has 140 characters there, a login 25. */
const MAX_TITLE_LENGTH = 500;
const MAX_NAME_LENGTH = 100;
/** An RFC 3339 time has 20 to 35 characters; its fraction of a second may have any number of digits. */
const MAX_TIME_LENGTH = 40;
/** Twitch's cursors have 100 to 200 characters. Each goes into the history twice. */
const CURSOR = /^[\x20-\x7e]{0,1024}$/;
/** Entries of a page that are read, whoever sends how many: Twitch sends 100 at most. */
const MAX_ENTRIES = 1_000;

/** Text that describes and does not identify: empty or left out is as good as empty. */
const text = (most: number) =>
  z
    .string()
    .nullish()
    .transform((value) => cleanText(value ?? '', most));

/**
 * One entry of https://dev.twitch.tv/docs/api/reference/#get-streams.
 *
 * `type` is not read. It is documented as `live`, or empty "if an error occurs"; such a stream is still listed with its
 * id and start, so that leaving it out would lose an event for good when the error lasts (a stream id that was seen is never
 * announced twice, so keeping it costs nothing). Reruns are not marked there either (twitchdev/issues #38).
 */
const streamEntry = z.object({
  id,
  user_id: id,
  user_login: text(MAX_NAME_LENGTH),
  // Of a stream it is only a description, so that one which is no id costs no stream: it has no game then.
  game_id: z
    .string()
    .nullish()
    .transform((value) => (value && ID.test(value) ? value : '')),
  title: text(MAX_TITLE_LENGTH),
  started_at: z
    .string()
    .max(MAX_TIME_LENGTH)
    .pipe(z.iso.datetime({ offset: true })),
});

const userEntry = z.object({ id, login: text(MAX_NAME_LENGTH) });
const gameEntry = z.object({ id, name: text(MAX_NAME_LENGTH) });

/**
 * The envelope of every Helix list. A last page has `"pagination": {}`, an empty cursor or no `pagination` at all. Any other
 * shape fails the page: reading it as "no more pages" would make the streams behind it look as if they had ended.
 */
const envelope = z.object({
  data: z.array(z.unknown()),
  pagination: z.object({ cursor: z.string().nullish() }).nullish(),
});

const tokenBody = z.object({
  // Visible ASCII, as RFC 6749 (A.12) has it: anything else could not be sent back in a header.
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().optional(),
});

const validationBody = z.object({ expires_in: z.number().optional() });

/** The entries of a page that could be read, how many could not (or its cursor), and the cursor of the next page. */
export interface Page<T> {
  entries: T[];
  malformed: number;
  /** What was wrong with the first malformed entry: a field and what was expected, never its content. */
  problem?: string;
  cursor?: string;
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'body'}: ${issue.message}` : 'unexpected shape';
}

/** Neither the body nor the parser's error, which quotes it, goes into the message: it may be a token answer. */
function parseBody<T>(answer: Answer, schema: z.ZodType<T>): T {
  const unusable = (problem: string) =>
    new TwitchError('invalid_response', `${answer.what} answered ${answer.status} with ${problem}`, {
      status: answer.status,
    });
  let json: unknown;
  try {
    json = JSON.parse(answer.body);
  } catch {
    throw unusable(`${answer.body.length} characters that are not JSON`);
  }
  const result = schema.safeParse(json);
  if (!result.success) throw unusable(`an unexpected shape (${describe(result.error)})`);
  return result.data;
}

function parsePage<In, Out>(answer: Answer, entry: z.ZodType<In>, convert: (entry: In) => Out): Page<Out> {
  const { data, pagination } = parseBody(answer, envelope);
  const page: Page<Out> = { entries: [], malformed: 0 };
  const skip = (count: number, problem: string) => {
    page.malformed += count;
    page.problem ??= problem;
  };
  for (const item of data.slice(0, MAX_ENTRIES)) {
    const result = entry.safeParse(item);
    if (result.success) {
      page.entries.push(convert(result.data));
    } else {
      skip(1, describe(result.error));
    }
  }
  if (data.length > MAX_ENTRIES) skip(data.length - MAX_ENTRIES, `data: more than ${MAX_ENTRIES} entries`);
  const cursor = pagination?.cursor ?? '';
  // What is behind it is out of reach, as if one entry could not be read; what is on this page is not.
  if (!CURSOR.test(cursor)) skip(1, 'pagination.cursor: expected at most 1,024 ASCII characters');
  else if (cursor !== '') page.cursor = cursor;
  return page;
}

/**
 * Reads a Get Streams answer.
 *
 * @throws TwitchError `invalid_response` when it is not a Helix list; a malformed entry is only counted
 */
export function parseStreams(answer: Answer): Page<Stream> {
  return parsePage(answer, streamEntry, (entry) => ({
    id: entry.id,
    userId: entry.user_id,
    userLogin: entry.user_login,
    gameId: entry.game_id,
    title: entry.title,
    startedAt: entry.started_at,
  }));
}

/** A Twitch user as Get Users shows it (https://dev.twitch.tv/docs/api/reference/#get-users). */
export type User = z.output<typeof userEntry>;

/** A Twitch category as Get Games shows it (https://dev.twitch.tv/docs/api/reference/#get-games). */
export type Game = z.output<typeof gameEntry>;

/** Reads a Get Users answer; throws as `parseStreams` does. */
export function parseUsers(answer: Answer): Page<User> {
  return parsePage(answer, userEntry, (user) => user);
}

/** Reads a Get Games answer; throws as `parseStreams` does. */
export function parseGames(answer: Answer): Page<Game> {
  return parsePage(answer, gameEntry, (game) => game);
}

/**
 * Reads a /token answer. `expiresInSeconds` is undefined when Twitch gave no positive number.
 *
 * @throws TwitchError `invalid_response`
 */
export function parseToken(answer: Answer): { accessToken: string; expiresInSeconds: number | undefined } {
  const { access_token, expires_in } = parseBody(answer, tokenBody);
  return { accessToken: access_token, expiresInSeconds: positive(expires_in) };
}

/**
 * Reads a /validate answer (https://dev.twitch.tv/docs/authentication/validate-tokens).
 *
 * @throws TwitchError `invalid_response`
 */
export function parseValidation(answer: Answer): { expiresInSeconds: number | undefined } {
  return { expiresInSeconds: positive(parseBody(answer, validationBody).expires_in) };
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
