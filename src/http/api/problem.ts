import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** The form of every error of the API: problem+json (RFC 9457). `detail` says what is expected, or what to do. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('What the status code says, in words'),
    status: z.number().int(),
    detail: z.string().describe('What is wrong, and what is expected'),
    errors: z
      .array(z.object({ field: z.string(), expected: z.string() }))
      .optional()
      .describe('Of a request that is not understood: each field that is wrong'),
  })
  .describe('A problem (RFC 9457)');

/** Of a route that needs the token, for its description. */
export const security = [{ token: [] }];

type ProblemBody = z.output<typeof problemSchema>;

/** An answer that is not what was asked for. Its message is for the caller to read. */
export class Problem extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Problem';
    this.statusCode = statusCode;
  }
}

/** Answers with a problem where there is no route of the API that could throw one. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return send(reply, problem(status, detail));
}

/** The body of an answer that is a problem. */
function problem(status: number, detail: string, errors?: ProblemBody['errors']) {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank' as const, title, status, detail, ...(errors && { errors }) };
}

function send(reply: FastifyReply, body: ReturnType<typeof problem>): FastifyReply {
  return reply
    .code(body.status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body);
}

/**
 * Makes every error of the routes in `app` a problem. What went wrong inside is told to the log alone.
 *
 * @param hint why a route may be missing
 * @param explain the problem that stands behind an error of a service
 */
export function answerWithProblems(
  app: FastifyInstance,
  hint: string,
  explain: (error: Error) => Problem | undefined,
): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = error instanceof Problem ? error : explain(error);
    if (known) return send(reply, problem(known.statusCode, known.message));
    if (hasZodFastifySchemaValidationErrors(error)) {
      const errors = error.validation.map(({ instancePath, message = 'something else' }) => ({
        field: [error.validationContext, ...instancePath.split('/').filter(Boolean)].join('.'),
        expected: message,
      }));
      const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join('; ');
      return send(reply, problem(400, detail, errors));
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return send(reply, problem(status, error.message));
    request.log.error({ err: error, method: request.method, url: request.url }, 'request failed');
    return send(reply, problem(status, 'the request failed; the log of the worker says why'));
  });
  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0]}; /openapi.json tells what there is`;
    return send(reply, problem(404, request.method === 'GET' || !hint ? detail : `${detail}. ${hint}`));
  });
}
