import type { FastifyPluginCallback } from 'fastify';

/** Whether the process should be left alone: `failed` means that it can't do its work any more and wants a restart. */
export interface Health {
  state: 'starting' | 'running' | 'stopping' | 'failed';
  /** State of each Temporal worker by its task queue, once there are any. */
  workers: Record<string, string>;
}

export interface HealthzOptions {
  health: () => Health;
}

/**
 * `GET /healthz`, for liveness probes: 200 while the process and its workers run, also while it waits for services at
 * the start or is stopping; 503 when a worker has failed. It asks no other service: a restart would not bring one back.
 */
export const healthz: FastifyPluginCallback<HealthzOptions> = (app, { health }, done) => {
  app.get('/healthz', async (_request, reply) => {
    const { state, workers } = health();
    const failed = state === 'failed';
    reply.code(failed ? 503 : 200);
    return { status: failed ? 'failed' : 'ok', state, workers, uptimeSeconds: Math.round(process.uptime()) };
  });
  done();
};
