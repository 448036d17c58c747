import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemSchema } from './problem.ts';

const count = z.number().int();
const seconds = z.number().describe('To the millisecond');
const durationsSchema = z.object({ count, meanSeconds: seconds, mostSeconds: seconds });

const slotSchema = z
  .object({
    at: z.iso.datetime().describe('Its beginning'),
    polls: count.describe('Polls that ended'),
    partialPolls: count.describe('Of these, those that left batches out'),
    failedPolls: count.describe('Of these, those that failed or were ended'),
    requests: count.describe('Sent to Helix'),
    budgetPercent: z
      .number()
      .describe('Requests of those that TWITCH_REQUESTS_PER_MINUTE allows in the time of the slot'),
    live: count.optional().describe('Size of the live set after the last poll; absent without one'),
    liveMost: count.optional().describe('Its greatest size after a poll'),
    targets: count.optional(),
    announced: count.describe('Messages that the broker has confirmed'),
    lag: durationsSchema
      .optional()
      .describe('From the start of a stream at Twitch to the confirm; only of those seen to start'),
    delivery: durationsSchema.optional().describe('From the first sight of a stream to the confirm'),
  })
  .describe('What happened in a part of the time; there is none for a part in which nothing did');

/** A part of a series as the API shows it. */
export type ApiSlot = z.output<typeof slotSchema>;

const seriesSchema = z.object({
  now: z.iso.datetime().describe('By the clock of the store'),
  slotSeconds: count.describe('Length of a slot'),
  mostSlots: count.describe('How many slots the range has'),
  slots: z.array(slotSchema).describe('Oldest first'),
});
export type ApiSeries = z.output<typeof seriesSchema>;

export const SERIES_RANGES = ['day', 'month'] as const;
export type SeriesRange = (typeof SERIES_RANGES)[number];

/** What the routes work with. */
export interface SeriesService {
  read(range: SeriesRange): Promise<ApiSeries>;
}

/** `GET …/series` */
export function seriesReads(scope: FastifyInstance, series: SeriesService): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    '/series',
    {
      schema: {
        operationId: 'getSeries',
        summary: 'How it went: lag, requests, live streams and announcements over the last day or month',
        tags: ['schedule'],
        querystring: z.strictObject({
          range: z
            .enum(SERIES_RANGES)
            .default('day')
            .describe('day: slots of 5 minutes; month: 30 days, slots of an hour'),
          from: z.iso.datetime().optional().describe('Only slots that began then or later'),
        }),
        response: { 200: seriesSchema, '4xx': problemSchema, '5xx': problemSchema },
      },
    },
    async ({ query: { range, from } }) => {
      const { slots, ...about } = await series.read(range);
      const fromMs = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
      return { ...about, slots: slots.filter(({ at }) => Date.parse(at) >= fromMs) };
    },
  );
}
