import type { FastifyPluginCallback } from 'fastify';
import { type CachedCheckOptions, type Check, type CheckResult, cachedCheck } from './check.ts';

export interface ReadyzOptions extends CachedCheckOptions {
  /** Each by the name under which the answer shows it. */
  checks: Record<string, Check>;
  /** While true the answer is 503 whatever the checks say: the process is on its way out. */
  stopping: () => boolean;
}

export interface Readiness {
  status: 'ready' | 'not ready';
  checks: Record<string, CheckResult>;
}

/**
 * `GET /readyz`: 200 when everything that polling needs is there and polls do come to an end, else 503 with what is
 * missing and what to do about it. Checks run when somebody asks, at most once a second, each with a time limit.
 */
export const readyz: FastifyPluginCallback<ReadyzOptions> = (app, { checks, stopping, ...options }, done) => {
  const cached = Object.entries(checks).map(([name, check]) => [name, cachedCheck(check, options)] as const);

  app.get('/readyz', async (_request, reply): Promise<Readiness> => {
    const results = await Promise.all(cached.map(async ([name, check]) => [name, await check()] as const));
    const ready = !stopping() && results.every(([, { ok }]) => ok);
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
    const all = stopping() ? [...results, ['process', { ok: false, detail: 'stopping' }] as const] : results;
    return { status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(all) };
  });
  done();
};
