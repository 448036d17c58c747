import type { FastifyPluginAsync } from 'fastify';

/** What there is to show, in Prometheus's text format. */
export interface Exposition {
  contentType: string;
  metrics: () => Promise<string>;
}

/** `GET /metrics` in Prometheus's text format. */
export const metricsEndpoint: FastifyPluginAsync<{ exposition: Exposition }> = async (app, { exposition }) => {
  app.get('/metrics', async (_request, reply) => {
    reply.type(exposition.contentType);
    return exposition.metrics();
  });
};
