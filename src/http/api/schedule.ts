import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { describeFrequency, REPORTS_FOR_FREQUENCY } from '../../poll/pollingFrequency.ts';
import type { PollReport } from '../../poll/report.ts';
import { problemSchema, security } from './problem.ts';

const time = z.iso.datetime();

const runSchema = z
  .object({
    workflowId: z.string(),
    runId: z.string(),
    scheduledAt: time,
    startedAt: time,
    status: z.string().describe('RUNNING, COMPLETED, FAILED, TIMED_OUT, TERMINATED, CANCELLED, or GONE'),
    closedAt: time.optional(),
    waitingSince: time.optional().describe('Since when it has waited for a worker'),
    retrying: z
      .object({ step: z.string(), attempt: z.number().int(), message: z.string() })
      .optional()
      .describe('The step that has failed most often'),
  })
  .describe('A poll that the schedule has started');

const scheduleSchema = z.object({
  id: z.string(),
  paused: z.boolean(),
  note: z.string().describe('Why it is paused'),
  intervalSeconds: z.number().optional(),
  nextRuns: z.array(time),
  waiting: z.number().int().describe('Polls that wait for the running one to end'),
  runs: z.array(runSchema).describe('Newest first, at most ten'),
  lastReport: z.unknown().describe('What the newest poll that ended well has reported'),
  lastFailure: z.object({ run: runSchema, message: z.string() }).optional(),
});

/** The schedule and its polls as the API shows them. */
export type ApiSchedule = z.output<typeof scheduleSchema>;

const triggeredSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('started'), workflowId: z.string(), runId: z.string() }),
  z.object({ state: z.literal('waiting'), behind: z.array(z.string()).describe('The workflows that run') }),
]);

/** What the routes work with. Everything throws a `Problem` when Temporal can't be asked, or has no such schedule. */
export interface ScheduleService {
  read(): Promise<ApiSchedule>;
  pause(note: string): Promise<void>;
  resume(note: string): Promise<void>;
  trigger(): Promise<z.output<typeof triggeredSchema>>;
}

const tags = ['schedule'];

/** `GET …/schedule` */
export function scheduleReads(scope: FastifyInstance, schedule: ScheduleService): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    '/schedule',
    {
      schema: {
        operationId: 'getSchedule',
        summary: 'The schedule, its last polls, and what the newest has reported',
        tags,
        response: { 200: scheduleSchema, '4xx': problemSchema, '5xx': problemSchema },
      },
    },
    () => schedule.read(),
  );
}

/** What the routes work with. */
export interface PollsService {
  /** Reports of polls, the newest that ended first. */
  reports(limit: number): Promise<PollReport[]>;
}

const frequencySchema = z
  .object({
    everySeconds: z.number().int().optional().describe('From the beginning of one poll to that of the next, lately'),
    turns: z
      .object({
        hot: z.number().int().describe('Users in every poll: they were live lately or just added'),
        dormant: z.number().int().describe('All other users, which take turns'),
        withinSeconds: z.number().int().optional().describe('How soon each of these has its turn'),
      })
      .optional()
      .describe('Absent when every target is in every poll'),
    oldestSeconds: z.number().optional().describe('The longest that a target had waited when the last poll ended'),
    words: z.string(),
  })
  .describe('How often what is polled');

/** `GET …/polls` */
export function pollReads(scope: FastifyInstance, polls: PollsService): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    '/polls',
    {
      schema: {
        operationId: 'listPolls',
        summary: 'Reports of the latest polls, the newest that ended first',
        tags: ['schedule'],
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
        response: {
          200: z.object({
            polls: z
              .array(z.looseObject({ pollId: z.string(), startedAt: z.string(), durationMs: z.number() }))
              .describe('As in the results of the workflows: docs/operations.md'),
            frequency: frequencySchema,
          }),
          '4xx': problemSchema,
        },
      },
    },
    async ({ query: { limit } }) => {
      const reports = await polls.reports(Math.max(limit, REPORTS_FOR_FREQUENCY));
      return { polls: reports.slice(0, limit).map((report) => ({ ...report })), frequency: describeFrequency(reports) };
    },
  );
}

/** `POST …/schedule/pause`, `…/resume` and `…/trigger` */
export function scheduleChanges(scope: FastifyInstance, schedule: ScheduleService): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const body = z.strictObject({ note: z.string().max(200).optional().describe('Why, for others to read') }).nullish();

  for (const [action, summary] of [
    ['pause', 'Keep polls from starting; a running one goes on'],
    ['resume', 'Let polls start again'],
  ] as const) {
    app.post(
      `/schedule/${action}`,
      {
        schema: {
          operationId: `${action}Schedule`,
          security,
          summary,
          tags,
          body,
          response: { 204: z.null(), '4xx': problemSchema, '5xx': problemSchema },
        },
      },
      async (request, reply) => {
        const note = request.body?.note ?? `${action}d by HTTP`;
        await schedule[action](note);
        request.audit(`schedule ${action}d`, { note });
        return reply.code(204).send(null);
      },
    );
  }

  app.post(
    '/schedule/trigger',
    {
      schema: {
        operationId: 'triggerPoll',
        security,
        summary: 'Start a poll now, or behind the running one',
        tags,
        response: { 200: triggeredSchema, '4xx': problemSchema, '5xx': problemSchema },
      },
    },
    async (request) => {
      const outcome = await schedule.trigger();
      request.audit('poll triggered', { state: outcome.state });
      return outcome;
    },
  );
}
