import helmet from '@fastify/helmet';
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  fastify,
  LogController,
} from 'fastify';
import type { Logger } from '../lib/log.ts';
import { HTTP_IDLE_MS, HTTP_REQUEST_MS } from '../poll/limits.ts';
import { sendProblem } from './api/problem.ts';
import { SECURITY_HEADERS } from './headers.ts';

/**
 * The HTTP server without its routes: each concern is a plugin beside this file. Every wait has a limit, bodies are small
 * (a route that takes more says so itself), and every error is JSON of the form `{error, message}`.
 */
export function createHttpServer(logger: Logger): FastifyInstance {
  // Below debug only what goes wrong: probes come every few seconds, and the caller says itself where HTTP is served.
  const level = logger.level === 'info' ? 'warn' : logger.level;
  const app = fastify({
    loggerInstance: logger.child({ component: 'http' }, { level }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    connectionTimeout: HTTP_IDLE_MS,
    requestTimeout: HTTP_REQUEST_MS,
    // Node looks only every 30 s for requests that are over their time.
    http: { connectionsCheckingInterval: 1_000 },
    keepAliveTimeout: 10_000,
    handlerTimeout: HTTP_REQUEST_MS,
    bodyLimit: 64 * 1024,
    routerOptions: { ignoreTrailingSlash: true },
    // Addresses that can't be decoded, or are too long: no route has seen them, nor any hook.
    frameworkErrors: ({ statusCode = 400 }, request, given) => {
      const reply: FastifyReply = given as never;
      const message = `expected ${statusCode === 414 ? 'a shorter address' : 'an address that is percent-encoded UTF-8'}`;
      if (request.raw.url?.startsWith('/api/')) sendProblem(reply, statusCode, message);
      else reply.code(statusCode).send({ error: 'bad_request', message });
    },
  });

  void app.register(helmet, SECURITY_HEADERS);
  // What is told changes, and is not for everybody; a route whose answers may be kept says so itself.
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'));

  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    request.log.debug(
      { method, path: url.split('?', 1)[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    );
  });

  // Else a client that never ends its request keeps its connection for as long as it sends a byte now and then.
  app.addHook('onSend', async (request, reply) => {
    if (!request.raw.complete) reply.header('connection', 'close');
  });

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.code === 'FST_ERR_HANDLER_TIMEOUT' && !request.raw.complete) {
      return reply.code(408).send({ error: 'bad_request', message: 'the request did not come to its end in time' });
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      request.log.error({ err: error, method: request.method, url: request.url }, 'request failed');
      // What went wrong inside is for the log: it may quote what an outsider should not see.
      return reply.code(status).send({ error: 'internal_error', message: 'the request failed; the log says why' });
    }
    return reply.code(status).send({ error: 'bad_request', message: error.message });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: 'not_found', message: `there is no ${request.method} ${request.url}` }),
  );
  return app;
}

/**
 * Starts listening.
 *
 * @returns the server's URL, with the port that was given out for port 0
 * @throws Error that names the setting when the address can't be used
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new Error(`HTTP_PORT: port ${port} on ${host} is in use; choose another`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new Error(`HTTP_HOST: ${host} is not an address of this machine (${message})`);
    }
    if (code === 'EACCES') throw new Error(`HTTP_PORT: not allowed to listen on port ${port}; choose one above 1023`);
    throw error;
  }
}
