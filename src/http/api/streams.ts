import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LOGIN, TARGET_ID } from '../../poll/ids.ts';
import { Problem, problemSchema } from './problem.ts';

export const liveStreamSchema = z
  .object({
    streamId: z.string(),
    userId: z.string(),
    userLogin: z.string(),
    gameId: z.string().describe('Empty for a stream without a category'),
    title: z.string(),
    startedAt: z.string().describe('RFC 3339, as Twitch sent it'),
    seenAt: z.iso.datetime().describe('When a poll last saw it'),
  })
  .describe('A stream of the live set');

/** A live stream as the API shows it. */
export type ApiStream = z.output<typeof liveStreamSchema>;

/** What the routes work with. */
export interface StreamsService {
  countLive(): Promise<number>;
  /** Live streams in the order of game id and user id, behind the place `after`; of one game only, if it is named. */
  listLive(options: {
    gameId?: string | undefined;
    after?: string | undefined;
    limit: number;
  }): Promise<{ streams: ApiStream[]; next?: string }>;
  /** Live streams in the order of logins: of users whose id is the text or whose login begins so; `exact`: whose login it is. */
  findLive(options: {
    text: string;
    exact?: boolean;
    after?: string | undefined;
    limit: number;
  }): Promise<{ streams: ApiStream[]; next?: string }>;
  /** The live streams of those of the users that have one. */
  liveOf(userIds: readonly string[]): Promise<Map<string, ApiStream>>;
}

const MOST_ON_PAGE = 1_000;
const login = z.string().regex(LOGIN, 'expected letters, digits and "_", at most 25');

/** `GET …/streams`: who is live, as the polls have seen it. */
export function streamReads(scope: FastifyInstance, streams: StreamsService): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    '/streams',
    {
      schema: {
        operationId: 'listStreams',
        summary: 'List live streams, page by page, in the order of their games; or find those of some user',
        tags: ['streams'],
        querystring: z.strictObject({
          game: z.string().regex(TARGET_ID, 'expected the id of a game').optional().describe('Only in this game'),
          user: z.string().regex(TARGET_ID, 'expected the id of a user').optional().describe('Only of this user'),
          login: login.optional().describe('Only of the user with this login'),
          search: login
            .optional()
            .describe('Only of users whose login begins so, in the order of logins, and of the one whose id it is'),
          after: z
            .string()
            .max(200)
            .refine((text) => Buffer.from(text, 'base64url').includes('\x1f'), 'expected `next` of the page before')
            .optional(),
          limit: z.coerce.number().int().min(1).max(MOST_ON_PAGE).default(100),
        }),
        response: {
          200: z.object({
            live: z.number().int().describe('Size of the live set'),
            streams: z.array(liveStreamSchema),
            next: z.string().optional().describe('For `after`; absent on the last page'),
          }),
          '4xx': problemSchema,
        },
      },
    },
    async ({ query: { game, user, login, search, after, limit } }) => {
      if ([game, user, login, search].filter((each) => each !== undefined).length > 1) {
        throw new Problem(400, 'querystring: expected at most one of game, user, login, search');
      }
      const text = login ?? search;
      const live = await streams.countLive();
      if (user !== undefined) return { live, streams: [...(await streams.liveOf([user])).values()] };
      if (text === undefined) return { live, ...(await streams.listLive({ gameId: game, after, limit })) };
      return { live, ...(await streams.findLive({ text, exact: login !== undefined, after, limit })) };
    },
  );
}
