import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TARGET_KINDS, type TargetKind } from '../../poll/model.ts';
import { listTargets, TARGET_STATES } from './listTargets.ts';
import { Problem, problemSchema, security } from './problem.ts';
import {
  type Bulk,
  bulkSchema,
  changedSchema,
  idSchema,
  kindSchema,
  labelSchema,
  labelsSchema,
  MOST_IN_CALL,
  newIdSchema,
  type TargetsService,
  targetDetailSchema,
  targetSchema,
} from './targetSchemas.ts';

const MOST_ON_PAGE = 1_000;
/** Ten thousand ids of 64 characters, with room. */
const BULK_BODY_BYTES = 1024 * 1024;

/** `GET …/targets`, `GET …/targets/:kind/:id` */
export function targetReads(scope: FastifyInstance, targets: TargetsService): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/targets',
    {
      schema: {
        operationId: 'listTargets',
        summary: 'List targets, page by page',
        tags: ['targets'],
        querystring: z.strictObject({
          kind: kindSchema.optional(),
          state: z.enum(TARGET_STATES).default('all').describe('Only those that are so now'),
          label: labelSchema.optional().describe('Only those that have it'),
          after: z
            .string()
            .regex(/^(user|game):[\w-]{1,64}$/, 'expected `next` of the page before, such as user:141981764')
            .optional(),
          limit: z.coerce.number().int().min(1).max(MOST_ON_PAGE).default(100),
        }),
        response: {
          200: z.object({
            counts: z.object({ user: z.number().int(), game: z.number().int() }).describe('All there are'),
            targets: z
              .array(targetSchema)
              .describe('With state=live or label a page may hold fewer than `limit`, even none'),
            next: z.string().optional().describe('For `after`; absent on the last page'),
          }),
          '4xx': problemSchema,
        },
      },
    },
    ({ query }) => listTargets(targets, query),
  );

  app.get(
    '/targets/:kind/:id',
    {
      schema: {
        operationId: 'getTarget',
        summary: 'One target, and when it is polled next',
        tags: ['targets'],
        params: z.object({ kind: kindSchema, id: idSchema }),
        response: { 200: targetDetailSchema, '4xx': problemSchema },
      },
    },
    async ({ params }) => {
      const target = await targets.detail(params.kind, params.id);
      if (!target) throw new Problem(404, `${params.kind} ${params.id} is not watched`);
      return target;
    },
  );
}

/** What changes targets: one by its address, many by `POST …/targets/add` and `…/remove`. All of it may be repeated. */
export function targetChanges(scope: FastifyInstance, targets: TargetsService): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const tags = ['targets'];

  app.put(
    '/targets/:kind/:id',
    {
      schema: {
        operationId: 'addTarget',
        security,
        summary: 'Watch one target, or change its labels; nothing changes if it is watched already',
        tags,
        params: z.object({ kind: kindSchema, id: newIdSchema }),
        body: z.strictObject({ labels: labelsSchema.optional() }).nullish(),
        response: { 200: z.object({ added: z.boolean() }), '4xx': problemSchema },
      },
    },
    async (request) => {
      const { kind, id } = request.params;
      const added = (await targets.add(kind, [id], request.body?.labels)) > 0;
      request.audit('targets added', { kind, count: Number(added) });
      return { added };
    },
  );

  app.delete(
    '/targets/:kind/:id',
    {
      schema: {
        operationId: 'removeTarget',
        security,
        summary: 'Watch one target no longer',
        tags,
        params: z.object({ kind: kindSchema, id: idSchema }),
        response: { 200: z.object({ removed: z.boolean() }), '4xx': problemSchema },
      },
    },
    async (request) => {
      const { kind, id } = request.params;
      const removed = (await targets.remove(kind, [id])) > 0;
      request.audit('targets removed', { kind, count: Number(removed) });
      return { removed };
    },
  );

  for (const [action, ids, summary] of [
    ['add', newIdSchema, `Watch up to ${MOST_IN_CALL} targets`],
    ['remove', idSchema, `Watch up to ${MOST_IN_CALL} targets no longer`],
  ] as const) {
    app.post(
      `/targets/${action}`,
      {
        bodyLimit: BULK_BODY_BYTES,
        schema: {
          operationId: `${action}Targets`,
          security,
          summary,
          tags,
          body: bulkSchema(ids),
          response: { 200: changedSchema, '4xx': problemSchema },
        },
      },
      async (request) => {
        if (action === 'remove' && request.body.labels) throw new Problem(400, 'body.labels: expected with add only');
        const { wanted, unknown } = await resolve(request.body);
        const result: z.output<typeof changedSchema> = { changed: [], unchanged: [], unknown };
        for (const kind of TARGET_KINDS) {
          const known = await targets.among(kind, wanted[kind]);
          await targets[action](kind, wanted[kind], request.body.labels);
          for (const each of wanted[kind]) {
            const changes = known.has(each) === (action === 'remove');
            result[changes ? 'changed' : 'unchanged'].push({ kind, id: each });
          }
        }
        request.audit(`targets ${action === 'add' ? 'added' : 'removed'}`, { count: result.changed.length });
        return result;
      },
    );
  }

  async function resolve({ users, games }: Bulk): Promise<{ wanted: Record<TargetKind, string[]>; unknown: string[] }> {
    const { ids: userIds = [], logins = [], urls = [] } = users;
    const { ids: gameIds = [], names = [] } = games;
    const size = userIds.length + logins.length + urls.length + gameIds.length + names.length;
    if (size === 0)
      throw new Problem(
        400,
        'body: expected at least one of users.ids, users.logins, users.urls, games.ids, games.names',
      );
    if (size > MOST_IN_CALL) throw new Problem(400, `body: expected at most ${MOST_IN_CALL} targets in one call`);
    const unknown: string[] = [];
    const found = async (kind: TargetKind, wantedNames: readonly string[]) => {
      if (wantedNames.length === 0) return [];
      const ids = await targets.lookUp(kind, [...new Set(wantedNames)]);
      unknown.push(...wantedNames.filter((name) => !ids.has(name.toLowerCase())));
      return [...ids.values()];
    };
    const user = [...new Set([...userIds, ...(await found('user', [...logins, ...urls]))])];
    const game = [...new Set([...gameIds, ...(await found('game', names))])];
    return { wanted: { user, game }, unknown };
  }
}
