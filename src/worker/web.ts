import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/env.ts';
import { api } from '../http/api/index.ts';
import { type Check, cachedCheck } from '../http/check.ts';
import { pages } from '../http/page/index.ts';
import { sessions } from '../http/session.ts';
import type { Logger } from '../lib/log.ts';
import { type ApiParts, scheduleService, storeProblemOf, targetsService } from './apiServices.ts';

export interface WebOptions {
  settings: Settings;
  /** The Temporal namespace, for links into its Web UI. */
  namespace: string;
  parts: ApiParts;
  checks: Record<string, Check>;
  logger: Logger;
}

/** Registers the HTTP API and the pages for people: two ways to the same services. */
export async function registerWeb(app: FastifyInstance, options: WebOptions): Promise<void> {
  const { settings, namespace, parts, logger } = options;
  const { ADMIN_TOKEN: adminToken, TEMPORAL_UI_URL: uiUrl } = settings;
  const { store } = parts;
  const checks = Object.entries(options.checks).map(([name, check]) => [name, cachedCheck(check)] as const);
  const shared = {
    reads: settings.HTTP_READS,
    sessions: await sessions(app, adminToken),
    logger: logger.child({ component: 'http' }),
    explain: storeProblemOf(parts, String(settings.DRAGONFLY_URL)),
    targets: targetsService(parts),
    streams: store.streams,
    announcements: store.feed,
    schedule: scheduleService(parts),
    polls: store.polls,
  };
  await app.register(api, {
    ...shared,
    adminToken,
    allowedOrigins: settings.HTTP_ALLOWED_ORIGINS,
    replies: store.replies,
  });
  await app.register(pages, {
    ...shared,
    canSignIn: adminToken !== undefined,
    checks: async () =>
      Object.fromEntries(await Promise.all(checks.map(async ([name, check]) => [name, await check()] as const))),
    workflowsUrl: uiUrl && `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows`,
  });
}
