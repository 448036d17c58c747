import type { FastifyPluginCallback } from 'fastify';
import type { CheckResult } from './check.ts';

export interface ReadyzOptions {
  /** What each check finds now, by the name under which the answer shows it. */
  checks: () => Promise<Record<string, CheckResult>>;
  /** While true the answer is 503 whatever the checks say: the process is on its way out. */
  stopping: () => boolean;
}

export interface Readiness {
  status: 'ready' | 'not ready';
  checks: Record<string, CheckResult>;
}

/**
 * `GET /readyz`: 200 when everything that polling needs is there and polls do come to an end, else 503 with what is
 * missing and what to do about it.
 */
export const readyz: FastifyPluginCallback<ReadyzOptions> = (app, { checks, stopping }, done) => {
  app.get('/readyz', async (_request, reply): Promise<Readiness> => {
    const results = { ...(await checks()), ...(stopping() && { process: { ok: false, detail: 'stopping' } }) };
    const ready = Object.values(results).every(({ ok }) => ok);
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready', checks: results };
  });
  done();
};
