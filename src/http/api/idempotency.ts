import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** Where answers are kept by their key, for a day. */
export interface RepliesService {
  take(
    key: string,
  ): Promise<{ state: 'running' } | { state: 'done'; fingerprint: string; status: number; body: string } | undefined>;
  keep(key: string, fingerprint: string, status: number, body: string): Promise<void>;
  release(key: string): Promise<void>;
}

/**
 * Requests with an `Idempotency-Key` are carried out once: one that comes again gets the first answer, with the header
 * `idempotency-replayed`. Errors are not kept. Not for streamed bodies, which can't be compared.
 */
export function answerOnce(scope: FastifyInstance, replies: RepliesService): void {
  const taken = new WeakMap<FastifyRequest, { key: string; fingerprint: string }>();

  scope.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return;
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
      throw new Problem(400, 'idempotency-key: expected 1 to 200 visible ASCII characters');
    }
    const fingerprint = fingerprintOf(request);
    const earlier = await replies.take(key);
    if (earlier?.state === 'running') {
      throw new Problem(409, 'idempotency-key: the first request with this key is still being carried out');
    }
    if (!earlier) {
      taken.set(request, { key, fingerprint });
      return;
    }
    if (earlier.fingerprint !== fingerprint) {
      throw new Problem(422, 'idempotency-key: expected the same request as the first with this key, or another key');
    }
    reply.header('idempotency-replayed', 'true').code(earlier.status).type('application/json; charset=utf-8');
    return reply.serializer((body: unknown) => String(body)).send(earlier.body);
  });

  scope.addHook('onSend', async (request, reply, payload) => {
    const mine = taken.get(request);
    if (!mine) return payload;
    if (reply.statusCode < 300) {
      await replies.keep(mine.key, mine.fingerprint, reply.statusCode, typeof payload === 'string' ? payload : '');
    } else await replies.release(mine.key);
    return payload;
  });
}

function fingerprintOf({ method, url, body }: FastifyRequest): string {
  const text = JSON.stringify(body ?? null);
  return createHash('sha256').update(`${method} ${url}\n${text}`).digest('hex');
}
