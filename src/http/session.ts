import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Secret } from '../config/secret.ts';

/** How long somebody stays signed in. */
const SESSION_MS = 7 * 24 * 3_600_000;
const COOKIE = 'stream-poller-session';

/** Who is signed in on the pages: a cookie that this server has signed, and says until when. */
export interface Sessions {
  /** Whether the token is the right one; takes as long for each. */
  isToken(given: string): boolean;
  isSignedIn(request: FastifyRequest): boolean;
  signIn(reply: FastifyReply): void;
  signOut(reply: FastifyReply): void;
}

/**
 * Makes sessions out of the token: nothing is kept, every worker with the same token takes them, and another token ends them.
 *
 * @param adminToken without one nobody can sign in
 */
export async function sessions(app: FastifyInstance, adminToken: Secret | undefined): Promise<Sessions> {
  // Not the token itself: whoever learns what signs cookies must not know the token.
  const secret = createHmac('sha256', adminToken?.reveal() ?? '')
    .update('sessions of the pages')
    .digest('hex');
  await app.register(cookie, { secret });
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const options = { path: '/', httpOnly: true, sameSite: 'strict', signed: true } as const;
  return {
    isToken: (given) => adminToken !== undefined && timingSafeEqual(digest(given), digest(adminToken.reveal())),
    isSignedIn(request) {
      const given = request.cookies[COOKIE];
      if (!adminToken || given === undefined) return false;
      const { valid, value } = request.unsignCookie(given);
      return valid && Number(value) > Date.now();
    },
    signIn(reply) {
      const { protocol, headers } = reply.request;
      // Behind a proxy that ends TLS the browser still says so, and who says it falsely hurts himself alone.
      const secure = protocol === 'https' || headers.origin?.startsWith('https:') === true;
      reply.setCookie(COOKIE, String(Date.now() + SESSION_MS), { ...options, secure, maxAge: SESSION_MS / 1_000 });
    },
    signOut: (reply) => void reply.clearCookie(COOKIE, options),
  };
}
