import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TARGET_ID } from '../../poll/ids.ts';
import { Followers } from './followers.ts';
import { Problem, problemSchema } from './problem.ts';

const announcementSchema = z
  .object({
    place: z.string().describe('Where it stands in the feed; goes up'),
    state: z
      .enum(['claimed', 'waiting', 'announced'])
      .describe('claimed: found, on its way; waiting: the broker is away, it is tried again; announced: confirmed'),
    at: z.iso.datetime().describe('Since when it is so'),
    streamId: z.string(),
    userId: z.string(),
    userLogin: z.string(),
    gameId: z.string(),
    title: z.string(),
    startedAt: z.string().describe('RFC 3339, as Twitch sent it'),
    detectedAt: z.iso.datetime(),
    reason: z.enum(['started', 'entered_game', 'first_sight']),
  })
  .describe('What has become of a stream that went live');

/** An announcement as the API shows it. */
export type ApiAnnouncement = z.output<typeof announcementSchema>;

/** What the routes work with. */
export interface AnnouncementsService {
  /** Newest first, each stream in its present state, before a place; `next` is the place of the oldest that was looked at. */
  before(
    place: string | undefined,
    limit: number,
    of?: { userId?: string | undefined; gameId?: string | undefined },
  ): Promise<{ announcements: ApiAnnouncement[]; next?: string }>;
  /** What has changed behind a place, oldest first. */
  after(place: string, limit: number): Promise<ApiAnnouncement[]>;
  /** The place of the newest. */
  end(): Promise<string>;
}

const PLACE = /^\d{1,16}-\d{1,16}$/;
const MOST_ON_PAGE = 500;
/** Pages that follow the feed of one worker. */
const MOST_FOLLOWERS = 200;

/** `GET …/announcements`, and `GET …/announcements/live` as server-sent events */
export function announcementReads(scope: FastifyInstance, announcements: AnnouncementsService): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const place = z.string().regex(PLACE, 'expected the place of an announcement, such as 1760000000000-0');

  app.get(
    '/announcements',
    {
      schema: {
        operationId: 'listAnnouncements',
        summary: 'The latest announcements with what has become of each, newest first',
        tags: ['announcements'],
        querystring: z.strictObject({
          user: z.string().regex(TARGET_ID, 'expected the id of a user').optional().describe('Only of this user'),
          game: z.string().regex(TARGET_ID, 'expected the id of a game').optional().describe('Only in this game'),
          before: place.optional().describe('`next` of the page before'),
          limit: z.coerce.number().int().min(1).max(MOST_ON_PAGE).default(100),
        }),
        response: {
          200: z.object({
            announcements: z.array(announcementSchema).describe('May be fewer than `limit`: a stream is told once'),
            next: z.string().optional().describe('For `before`; absent on the last page'),
          }),
          '4xx': problemSchema,
        },
      },
    },
    ({ query: { user, game, before, limit } }) =>
      announcements.before(before, limit, user || game ? { userId: user, gameId: game } : undefined),
  );

  const followers = new Followers((place, limit) => announcements.after(place, limit));
  scope.addHook('preClose', async () => followers.close());

  app.get(
    '/announcements/live',
    {
      // It would have no end, and nobody would see it.
      exposeHeadRoute: false,
      schema: {
        operationId: 'followAnnouncements',
        summary: 'Announcements as they come and change, as server-sent events (EventSource)',
        description: 'Each has its place as id, so that a client that reconnects goes on behind the last that it saw.',
        tags: ['announcements'],
        querystring: z.strictObject({
          after: place.optional().describe('Default: only what comes from now on; Last-Event-ID goes before it'),
        }),
        response: {
          200: { description: 'event: announcement', content: { 'text/event-stream': { schema: z.string() } } },
          '4xx': problemSchema,
          '5xx': problemSchema,
        },
      },
    },
    async (request, reply) => {
      const last = request.headers['last-event-id'];
      const from =
        typeof last === 'string' && PLACE.test(last) ? last : (request.query.after ?? (await announcements.end()));
      if (followers.size >= MOST_FOLLOWERS) throw new Problem(503, `${MOST_FOLLOWERS} pages follow the feed already`);
      reply.hijack();
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      followers.add(reply.raw, from);
    },
  );
}
