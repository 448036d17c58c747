import { join } from 'node:path';
import formbody from '@fastify/formbody';
import rateLimit from '@fastify/rate-limit';
import staticFiles from '@fastify/static';
import type { FastifyError, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../../lib/log.ts';
import { describeFrequency } from '../../poll/pollingFrequency.ts';
import type { AnnouncementsService } from '../api/announcements.ts';
import { Problem } from '../api/problem.ts';
import type { PollsService, ScheduleService } from '../api/schedule.ts';
import type { SeriesService } from '../api/series.ts';
import type { StreamsService } from '../api/streams.ts';
import type { TargetsService } from '../api/targetSchemas.ts';
import type { CheckResult } from '../check.ts';
import type { Sessions } from '../session.ts';
import { chartAssets } from './charts.ts';
import { layout, type Markup, type PageState, SIGN_IN_FORM } from './layout.ts';
import { nowPage } from './now.ts';
import { pollsBody } from './polls.ts';
import { targetRoutes } from './targetRoutes.ts';

export interface PageOptions {
  reads: 'open' | 'token';
  canSignIn: boolean;
  sessions: Sessions;
  logger: Logger;
  /** Finds the problem that stands behind an error of a service, if the reader is to know it. */
  explain: (error: Error) => Problem | undefined;
  /** What `/readyz` tells. */
  checks: () => Promise<Record<string, CheckResult>>;
  /** What needs attention, and what to do about it: what the command `status` tells. */
  problems: () => Promise<{ problem: string; advice: string }[]>;
  targets: TargetsService;
  streams: StreamsService;
  announcements: AnnouncementsService;
  schedule: ScheduleService;
  polls: PollsService;
  series: SeriesService;
  workflowsUrl?: string | undefined;
}

const SIGN_INS_PER_MINUTE = 10;
const FORM_BYTES = 1024 * 1024;

/**
 * The pages for people: rendered here, and readable without JavaScript. Whatever changes something is a form that wants a
 * session and comes from a page of ours.
 */
export const pages: FastifyPluginAsync<PageOptions> = async (app, options) => {
  const { reads, canSignIn, sessions, logger, schedule, polls } = options;
  await app.register(formbody, { bodyLimit: FORM_BYTES });
  await app.register(rateLimit, { global: false });
  await app.register(staticFiles, { root: join(import.meta.dirname, 'assets'), prefix: '/assets/', maxAge: '1h' });
  chartAssets(app);

  const send = (reply: FastifyReply, state: Pick<PageState, 'path' | 'title' | 'notice'>, body: Markup) => {
    const signedIn = sessions.isSignedIn(reply.request);
    return reply.type('text/html; charset=utf-8').send(layout({ ...state, signedIn, canSignIn }, body));
  };
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const form = error instanceof z.ZodError && new Problem(400, 'This form is not one of ours.');
    const known = error instanceof Problem ? error : form || options.explain(error);
    const status = known?.statusCode ?? error.statusCode ?? 500;
    if (status >= 500 && !known) request.log.error({ err: error, url: request.url }, 'page failed');
    const text = known?.message ?? (status < 500 ? error.message : 'the page failed; the log of the worker says why');
    reply.code(status);
    return send(
      reply,
      { path: '', title: 'This did not work', notice: { kind: 'problem', text } },
      '<p><a href="/">Now</a></p>',
    );
  });

  const readers = async (request: FastifyRequest, reply: FastifyReply) => {
    if (reads === 'token' && !sessions.isSignedIn(request)) return reply.redirect('/sign-in');
  };
  const ownForm = async ({ headers: { origin, host, 'sec-fetch-site': site } }: FastifyRequest) => {
    // Browsers say where a form comes from, older ones by its origin alone.
    const own =
      site === 'same-origin' || (site === undefined && origin !== undefined && URL.parse(origin)?.host === host);
    if (!own) throw new Problem(403, 'This was not sent by a page of this server.');
  };
  /** A form of a page of ours, sent by somebody who is signed in. */
  const editors = async (request: FastifyRequest) => {
    if (!sessions.isSignedIn(request)) throw new Problem(401, 'Sign in first: this needs the ADMIN_TOKEN.');
    await ownForm(request);
  };
  const audit = (request: FastifyRequest, what: string, details: object) =>
    logger.info({ ...details, from: request.ip, client: request.headers['user-agent'] }, what);

  const now = nowPage(options);
  app.get('/', { preHandler: readers }, async (request, reply) =>
    send(reply, { path: '/', title: 'Now' }, await now(request.query)),
  );

  targetRoutes(app, { send, readers, editors, audit, ...options });

  app.get('/polls', { preHandler: readers }, async (request, reply) => {
    // What Temporal can't tell now is left out: the reports are in the store.
    const [state, reports] = await Promise.all([schedule.read().catch(() => undefined), polls.reports(50)]);
    const signedIn = sessions.isSignedIn(request);
    const { workflowsUrl } = options;
    const about = { paused: state?.paused, note: state?.note ?? '', frequency: describeFrequency(reports).words };
    const body = pollsBody({ ...about, reports, workflowsUrl, signedIn });
    return send(reply, { path: '/polls', title: 'Polls' }, body);
  });

  for (const action of ['pause', 'resume', 'trigger'] as const) {
    app.post(`/schedule/${action}`, { preHandler: editors }, async (request, reply) => {
      await schedule[action]('from the page');
      audit(request, action === 'trigger' ? 'poll triggered' : `schedule ${action}d`, {});
      return reply.redirect('/polls', 303);
    });
  }

  if (canSignIn) {
    app.get('/sign-in', (_request, reply) => send(reply, { path: '', title: 'Sign in' }, SIGN_IN_FORM));
    const limit = { rateLimit: { max: SIGN_INS_PER_MINUTE, timeWindow: 60_000 } };
    app.post('/sign-in', { config: limit, preHandler: ownForm }, (request, reply) => {
      const { token } = z.object({ token: z.string().max(1_000).default('') }).parse(request.body ?? {});
      if (sessions.isToken(token.trim())) {
        sessions.signIn(reply);
        audit(request, 'signed in', {});
        return reply.redirect('/', 303);
      }
      audit(request, 'sign-in refused', {});
      reply.code(401);
      return send(
        reply,
        { path: '', title: 'Sign in', notice: { kind: 'problem', text: 'This is not the ADMIN_TOKEN.' } },
        SIGN_IN_FORM,
      );
    });
  }
  app.post('/sign-out', { preHandler: ownForm }, (_request, reply) => {
    sessions.signOut(reply);
    return reply.redirect('/', 303);
  });
};
