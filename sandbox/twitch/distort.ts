import { type Answer, type Endpoint, errorName, helixError, oauthError } from './answer.ts';
import { type FaultOrder, shortPageSize } from './faults.ts';
import { cursorPastTheEnd, deadCursor, encodeCursor } from './streams.ts';

/** An answer as it goes out: `streamIds` are those that a client can read from it. */
export interface Outcome {
  status: number;
  headers: Record<string, string>;
  contentType: string;
  payload: string;
  streamIds: string[];
}

const MESSAGES: Record<number, string> = { 401: 'Invalid OAuth token', 429: 'Request limit exceeded' };
const OAUTH_MESSAGES: Record<number, string> = {
  400: 'invalid client',
  401: 'invalid access token',
  403: 'invalid client secret',
};

const isOAuth = (endpoint: Endpoint) => endpoint === 'token' || endpoint === 'validate';

function errorBody(endpoint: Endpoint, status: number) {
  return isOAuth(endpoint)
    ? oauthError(status, OAUTH_MESSAGES[status] ?? errorName(status).toLowerCase())
    : helixError(status, MESSAGES[status] ?? '');
}

function htmlPage(status: number): string {
  const title = `${status} ${errorName(status)}`;
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
}

function outcome(answer: Pick<Answer, 'status' | 'headers' | 'body'>): Outcome {
  return {
    status: answer.status,
    headers: answer.headers,
    contentType: 'application/json; charset=utf-8',
    payload: JSON.stringify(answer.body),
    streamIds: [],
  };
}

function distortPage(page: NonNullable<Answer['page']>, order: FaultOrder): NonNullable<Answer['page']>['body'] {
  const { body, offset, number } = page;
  switch (order.kind) {
    case 'malformedEntry': {
      const middle = Math.floor(body.data.length / 2);
      return { ...body, data: body.data.toSpliced(middle, 0, { id: 12345, user_id: null, title: ['?'] }) };
    }
    case 'emptyData':
      return { data: [], pagination: {} };
    case 'shortPage': {
      const size = shortPageSize(order, body.data.length);
      return { data: body.data.slice(0, size), pagination: { cursor: encodeCursor(offset + size, number + 1) } };
    }
    case 'loopCursor':
      return { ...body, pagination: { cursor: encodeCursor(offset, number) } };
    case 'cursorToEmptyPage':
      return { ...body, pagination: { cursor: cursorPastTheEnd(number + 1) } };
    case 'deadCursor':
      return { ...body, pagination: { cursor: deadCursor(offset) } };
    case 'noPagination':
      return { data: body.data };
    default:
      return body;
  }
}

function goodOutcome(answer: Answer, order: FaultOrder | undefined): Outcome {
  const body = answer.page && order ? distortPage(answer.page, order) : answer.body;
  const entries = answer.page ? (body as { data: { id?: unknown }[] }).data : [];
  const streamIds = entries.flatMap(({ id }) => (typeof id === 'string' ? id : []));
  return { ...outcome({ ...answer, body }), streamIds };
}

/** The answer as the fault, if any, leaves it. Faults of the connection leave the content alone. */
export function distort(endpoint: Endpoint, answer: Answer, order: FaultOrder | undefined): Outcome {
  switch (order?.kind) {
    case 'status': {
      const { status, html, body } = order;
      const sent = outcome({ ...answer, status, body: errorBody(endpoint, status) });
      if (html) return { ...sent, contentType: 'text/html', payload: htmlPage(status) };
      return body === undefined ? sent : { ...sent, payload: body };
    }
    case 'rateLimit': {
      const reset = String(Math.ceil(Date.now() / 1000 + order.resetInSeconds));
      const headers = { ...answer.headers, 'Ratelimit-Remaining': '0', 'Ratelimit-Reset': reset };
      return outcome({ status: 429, headers, body: errorBody(endpoint, 429) });
    }
    case 'invalidCursor':
      return outcome({ ...answer, status: 400, body: helixError(400, 'Invalid cursor') });
    case 'refusedIds': {
      const parameter = answer.parameter ?? 'user_id';
      const message = `The parameter "${parameter}" was malformed: the value must match the regular expression /^[0-9]*$/`;
      return outcome({ ...answer, status: 400, body: helixError(400, message) });
    }
    case 'garbage': {
      if (order.as === 'wrongShape') return outcome({ ...answer, status: 200, body: { streams: 'none', data: 42 } });
      const whole = outcome({ ...answer, status: 200 });
      return { ...whole, payload: whole.payload.slice(0, Math.max(1, Math.floor(whole.payload.length / 2))) };
    }
    default:
      return goodOutcome(answer, order);
  }
}
