import { parse } from 'node:querystring';
import type { FastifyInstance } from 'fastify';
import { oauthError } from './answer.ts';
import type { Deliver } from './deliver.ts';
import type { Tokens } from './tokens.ts';

export interface OAuthOptions {
  tokens: Tokens;
  clientId: string;
  clientSecret: string;
  deliver: Deliver;
}

type Body = { status: number; body: unknown };

const refused = (status: number, message: string): Body => ({ status, body: oauthError(status, message) });

/** `/oauth2/token` (client credentials grant) and `/oauth2/validate`. */
export function oauthRoutes(app: FastifyInstance, options: OAuthOptions): void {
  const { tokens, clientId, clientSecret, deliver } = options;

  function token(form: Readonly<Record<string, unknown>>): Body {
    if (!form.client_id) return refused(400, 'missing client id');
    if (!form.client_secret) return refused(400, 'missing client secret');
    if (!form.grant_type) return refused(400, 'missing grant type');
    if (form.grant_type !== 'client_credentials') return refused(400, 'invalid grant type');
    if (form.client_id !== clientId) return refused(400, 'invalid client');
    if (form.client_secret !== clientSecret) return refused(403, 'invalid client secret');
    return { status: 200, body: tokens.issue() };
  }

  function validate(authorization: string | undefined): Body {
    const given = /^(?:OAuth|Bearer) +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (!given) return refused(401, 'missing authorization token');
    const expiresInSeconds = tokens.expiresInSeconds(given);
    if (expiresInSeconds === undefined) return refused(401, 'invalid access token');
    return { status: 200, body: { client_id: clientId, scopes: [], expires_in: expiresInSeconds } };
  }

  app.register((scope, _options, done) => {
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, parsed) =>
      parsed(null, parse(String(text))),
    );
    scope.post('/oauth2/token', (request, reply) =>
      deliver('token', reply, () => {
        const form = { ...(request.query as object), ...(request.body as object | undefined) };
        return { ...token(form), headers: {}, ids: [] };
      }),
    );
    scope.get('/oauth2/validate', (request, reply) =>
      deliver('validate', reply, () => ({ ...validate(request.headers.authorization), headers: {}, ids: [] })),
    );
    done();
  });
}
