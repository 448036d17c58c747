import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TARGET_KINDS } from '../../poll/model.ts';
import { describeFrequency, REPORTS_FOR_FREQUENCY } from '../../poll/pollingFrequency.ts';
import type { AnnouncementsService } from '../api/announcements.ts';
import { listTargets, TARGET_STATES } from '../api/listTargets.ts';
import { Problem } from '../api/problem.ts';
import type { PollsService } from '../api/schedule.ts';
import {
  idSchema,
  kindSchema,
  labelsSchema,
  MOST_IN_CALL,
  MOST_NAMES,
  type TargetsService,
} from '../api/targetSchemas.ts';
import type { Sessions } from '../session.ts';
import { badLabels, labelsOf, parseEntries } from './entries.ts';
import type { Markup, PageState } from './layout.ts';
import { targetBody } from './target.ts';
import { type Preview, previewBody, targetsBody } from './targets.ts';

/** What the routes of pages share, and what these work with. */
export interface TargetPages {
  send(reply: FastifyReply, state: Pick<PageState, 'path' | 'title' | 'notice'>, body: Markup): FastifyReply;
  readers(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
  editors(request: FastifyRequest): Promise<void>;
  /** Writes into the log what somebody has changed. */
  audit(request: FastifyRequest, what: string, details: object): void;
  sessions: Sessions;
  targets: TargetsService;
  announcements: AnnouncementsService;
  polls: PollsService;
}

const ON_PAGE = 100;

/** Asked of the query: what is not understood is left out, since links live long. */
const targetsQuery = z.object({
  state: z.enum(TARGET_STATES).catch('all'),
  after: z
    .string()
    .regex(/^(user|game):[\w-]{1,64}$/)
    .optional()
    .catch(undefined),
  added: z.coerce.number().int().optional().catch(undefined),
  removed: z.coerce.number().int().optional().catch(undefined),
});
const many = z.preprocess((given) => (given === undefined ? [] : [given].flat()), z.array(idSchema));
const changeForm = z.object({ user: many, game: many, labels: z.string().default('') });
const previewForm = z.object({ entries: z.string(), labels: z.string().default('') });
const targetParams = z.object({ kind: kindSchema, id: idSchema });
const targetQuery = z.object({ labelled: z.literal('1').optional().catch(undefined) });
const labelsForm = z.object({ labels: z.string().default('') });
/** Announcements of one target. */
const SHOWN_OF_TARGET = 20;

/** What is watched, one target of it, and forms to change that. */
export function targetRoutes(app: FastifyInstance, pages: TargetPages): void {
  const { send, readers, editors, audit, sessions, targets, announcements, polls } = pages;
  const words = async () => describeFrequency(await polls.reports(REPORTS_FOR_FREQUENCY)).words;

  app.get('/targets', { preHandler: readers }, async (request, reply) => {
    const { state, after, added, removed } = targetsQuery.parse(request.query);
    const [listed, frequency] = await Promise.all([listTargets(targets, { state, after, limit: ON_PAGE }), words()]);
    const signedIn = sessions.isSignedIn(request);
    const done = added !== undefined ? `${added} added.` : removed !== undefined && `${removed} removed.`;
    const notice = done ? { kind: 'done' as const, text: done } : undefined;
    return send(
      reply,
      { path: '/targets', title: 'Targets', notice },
      targetsBody({ ...listed, state, frequency, signedIn }),
    );
  });

  app.post('/targets/preview', { preHandler: editors }, async (request, reply) => {
    const { entries, labels } = previewForm.parse(request.body);
    const { ids, names, bad } = parseEntries(entries);
    const size = [ids, names].map(({ user, game }) => user.length + game.length) as [number, number];
    const tooMany =
      size[0] > MOST_IN_CALL || size[1] > MOST_NAMES
        ? `Expected at most ${MOST_IN_CALL} ids and ${MOST_NAMES} names at once; more are taken by the API or the client.`
        : undefined;
    const wrong = tooMany ?? badLabels(labels);
    if (bad.length > 0 || wrong) {
      const text =
        wrong ??
        `Not understood: ${bad.slice(0, 5).join(', ')}. Expected ids, logins, links to channels, game:ID or game:NAME.`;
      const listed = await listTargets(targets, { state: 'all', limit: ON_PAGE });
      const draft = { entries, labels };
      reply.code(400);
      const body = targetsBody({ ...listed, state: 'all', signedIn: true, draft });
      return send(reply, { path: '/targets', title: 'Targets', notice: { kind: 'problem', text } }, body);
    }
    const preview: Preview = { found: [], unknown: [], labels };
    for (const kind of TARGET_KINDS) {
      const looked = names[kind].length > 0 ? await targets.lookUp(kind, names[kind]) : new Map<string, string>();
      const named = new Map([...looked].map(([name, id]) => [id, name]));
      preview.unknown.push(...names[kind].filter((name) => !looked.has(name.toLowerCase())));
      const all = [...new Set([...ids[kind], ...named.keys()])];
      const known = await targets.among(kind, all);
      preview.found.push(...all.map((id) => ({ kind, id, name: named.get(id) ?? '', known: known.has(id) })));
    }
    return send(reply, { path: '/targets', title: 'Add targets' }, previewBody(preview));
  });

  for (const action of ['add', 'remove'] as const) {
    app.post(`/targets/${action}`, { preHandler: editors }, async (request, reply) => {
      const form = changeForm.parse(request.body ?? {});
      const labels = labelsSchema.parse(labelsOf(form.labels));
      let count = 0;
      for (const kind of TARGET_KINDS) {
        if (action === 'remove') count += await targets.remove(kind, form[kind]);
        else count += await targets.add(kind, form[kind], labels.length > 0 ? labels : undefined);
      }
      audit(request, `targets ${action === 'add' ? 'added' : 'removed'}`, { count });
      return reply.redirect(`/targets?${action === 'add' ? 'added' : 'removed'}=${count}`, 303);
    });
  }

  app.get('/targets/:kind/:id', { preHandler: readers }, async (request, reply) => {
    const { kind, id } = targetParams.parse(request.params);
    const { labelled } = targetQuery.parse(request.query);
    const target = await targets.detail(kind, id);
    if (!target) throw new Problem(404, `${kind} ${id} is not watched.`);
    const of = kind === 'user' ? { userId: id } : { gameId: id };
    const latest = await announcements.before(undefined, SHOWN_OF_TARGET, of);
    const signedIn = sessions.isSignedIn(request);
    const notice = labelled ? { kind: 'done' as const, text: 'The labels were changed.' } : undefined;
    const login = target.live?.userLogin || (kind === 'user' && latest.announcements[0]?.userLogin) || '';
    const title = login || `${kind} ${id}`;
    const body = targetBody({ target, login, announcements: latest.announcements, signedIn });
    return send(reply, { path: '/targets', title, notice }, body);
  });

  app.post('/targets/:kind/:id/labels', { preHandler: editors }, async (request, reply) => {
    const { kind, id } = targetParams.parse(request.params);
    const { labels } = labelsForm.parse(request.body ?? {});
    const wrong = badLabels(labels);
    if (wrong) throw new Problem(400, wrong);
    if (!(await targets.among(kind, [id])).has(id)) throw new Problem(404, `${kind} ${id} is not watched.`);
    await targets.label(kind, [id], labelsOf(labels));
    audit(request, 'labels changed', { kind, count: 1 });
    return reply.redirect(`/targets/${kind}/${id}?labelled=1`, 303);
  });
}
