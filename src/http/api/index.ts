import bearerAuth from '@fastify/bearer-auth';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Secret } from '../../config/secret.ts';
import type { Logger } from '../../lib/log.ts';
import type { Sessions } from '../session.ts';
import { type AnnouncementsService, announcementReads } from './announcements.ts';
import { answerOnce, type RepliesService } from './idempotency.ts';
import { answerWithProblems, Problem } from './problem.ts';
import { type PollsService, pollReads, type ScheduleService, scheduleChanges, scheduleReads } from './schedule.ts';
import { type SeriesService, seriesReads } from './series.ts';
import { type StreamsService, streamReads } from './streams.ts';
import type { TargetsService } from './targetSchemas.ts';
import { targetChanges, targetReads } from './targets.ts';
import { targetExport, targetImport } from './transfer.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Writes into the log what a caller has changed. */
    audit(what: string, details: Record<string, unknown>): void;
  }
}

export interface ApiOptions {
  /** Whether reads need the token, too. */
  reads: 'open' | 'token';
  /** Who is signed in on the pages may read without a header: their scripts ask, too. */
  sessions?: Pick<Sessions, 'isSignedIn'>;
  /** What changes something needs it as bearer token; without one there are no such routes. */
  adminToken: Secret | undefined;
  /** Origins whose pages may use it in a browser. */
  allowedOrigins: string[];
  logger: Logger;
  /** Finds the problem that stands behind an error of a service, if the caller is to know it. */
  explain: (error: Error) => Problem | undefined;
  targets: TargetsService;
  streams: StreamsService;
  schedule: ScheduleService;
  polls: PollsService;
  series: SeriesService;
  replies: RepliesService;
  announcements: AnnouncementsService;
}

/** Calls a minute from one address that may change something. */
const CHANGES_PER_MINUTE = 120;

/**
 * The HTTP API below `/api/v1`, and its description at `/openapi.json`. Errors are problem+json. Whatever changes something
 * needs the bearer token, is limited in its rate, may be repeated without harm, and stands in the log.
 */
export const api: FastifyPluginAsync<ApiOptions> = async (app, options) => {
  const { reads, adminToken, logger } = options;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'stream-poller', description: 'What is watched, and who is live.', version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' } } },
    },
    transform: jsonSchemaTransform,
  });
  if (options.allowedOrigins.length > 0) {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
    await app.register(cors, { origin: options.allowedOrigins, methods, exposedHeaders: ['idempotency-replayed'] });
  }
  await app.register(rateLimit, { global: false });
  app.decorateRequest('audit', function audit(this: FastifyRequest, what: string, details: Record<string, unknown>) {
    logger.info({ ...details, from: this.ip, client: this.headers['user-agent'] }, what);
  });

  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());

  await app.register(
    async (v1: FastifyInstance) => {
      answerWithProblems(v1, adminToken ? '' : 'Without ADMIN_TOKEN nothing can be changed by HTTP', options.explain);
      await v1.register(async (scope) => {
        if (reads === 'token' && adminToken) await requireToken(scope, adminToken, options.sessions);
        targetReads(scope, options.targets);
        targetExport(scope, options.targets);
        streamReads(scope, options.streams);
        announcementReads(scope, options.announcements);
        scheduleReads(scope, options.schedule);
        pollReads(scope, options.polls);
        seriesReads(scope, options.series);
      });
      if (!adminToken) return;
      await v1.register(async (scope) => {
        // First, so that it holds for those who guess, too.
        scope.addHook('onRequest', app.rateLimit({ max: CHANGES_PER_MINUTE, timeWindow: 60_000 }));
        await requireToken(scope, adminToken);
        targetImport(scope, options.targets);
        await scope.register(async (once) => {
          answerOnce(once, options.replies);
          targetChanges(once, options.targets);
          scheduleChanges(once, options.schedule);
        });
      });
    },
    { prefix: '/api/v1' },
  );
};

async function requireToken(scope: FastifyInstance, token: Secret, sessions?: ApiOptions['sessions']): Promise<void> {
  await scope.register(bearerAuth, { keys: [token.reveal()], addHook: false });
  scope.addHook('onRequest', (request, reply, done) => {
    if (sessions?.isSignedIn(request)) return done();
    scope.verifyBearerAuth?.(request, reply, (error) => {
      if (error) reply.header('www-authenticate', 'Bearer');
      done(
        error && new Problem(401, 'expected the header "authorization: Bearer …" with the ADMIN_TOKEN of the worker'),
      );
    });
  });
}
