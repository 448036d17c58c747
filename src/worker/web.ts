import type { FastifyPluginAsync } from 'fastify';
import type { Settings } from '../config/env.ts';
import { api } from '../http/api/index.ts';
import type { CheckResult } from '../http/check.ts';
import { knownHosts } from '../http/hosts.ts';
import { pages } from '../http/page/index.ts';
import { sessions } from '../http/session.ts';
import type { Logger } from '../lib/log.ts';
import { findProblems } from '../status/problems.ts';
import { type ApiParts, scheduleService, storeProblemOf, targetsService } from './apiServices.ts';
import { seriesService } from './seriesService.ts';

export interface WebOptions {
  settings: Settings;
  /** The Temporal namespace, for links into its Web UI. */
  namespace: string;
  parts: ApiParts;
  /** What `/readyz` tells. */
  checks: () => Promise<Record<string, CheckResult>>;
  logger: Logger;
}

/** The HTTP API and the pages for people: two ways to the same services, for those who know a name of this server. */
export const web: FastifyPluginAsync<WebOptions> = async (app, options) => {
  const { settings, namespace, parts, logger } = options;
  const { ADMIN_TOKEN: adminToken, TEMPORAL_UI_URL: uiUrl } = settings;
  const { store } = parts;
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
    series: seriesService(store.series, settings.TWITCH_REQUESTS_PER_MINUTE),
  };
  // Behind what reads cookies: a page that tells why shows who is signed in.
  app.addHook('onRequest', knownHosts(settings.HTTP_ALLOWED_HOSTS));
  await app.register(api, {
    ...shared,
    adminToken,
    allowedOrigins: settings.HTTP_ALLOWED_ORIGINS,
    replies: store.replies,
  });
  await app.register(pages, {
    ...shared,
    canSignIn: adminToken !== undefined,
    checks: options.checks,
    problems: async () => findProblems(await parts.observed(), Date.now()),
    workflowsUrl: uiUrl && `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows`,
  });
};
