/** What a request can be for. */
export type Endpoint = 'streams' | 'users' | 'games' | 'token' | 'validate';

/** A stream as Helix sends it (https://dev.twitch.tv/docs/api/reference/#get-streams). */
export interface HelixStream {
  id: string;
  user_id: string;
  user_login: string;
  user_name: string;
  game_id: string;
  game_name: string;
  type: string;
  title: string;
  tags: readonly string[];
  viewer_count: number;
  started_at: string;
  language: string;
  thumbnail_url: string;
  tag_ids: readonly string[];
  is_mature: boolean;
}

/** A page of streams, with what a fault needs to know to distort it. */
export interface StreamsPage {
  body: { data: unknown[]; pagination?: { cursor?: string } };
  /** Where the page starts. */
  offset: number;
  /** Counts from 1. */
  number: number;
}

export interface Answer {
  status: number;
  body: unknown;
  headers: Record<string, string>;
  /** Ids, logins and names that the request asked for. */
  ids: readonly string[];
  /** The parameter that gave the first of them. */
  parameter?: string;
  /** The request's cursor. */
  after?: string;
  /** Set for a good answer of `/helix/streams`; its body is also the answer's. */
  page?: StreamsPage;
}

const ERRORS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export const errorName = (status: number): string => ERRORS[status] ?? 'Error';

/** The body of a Helix error. */
export function helixError(status: number, message: string) {
  return { error: errorName(status), status, message };
}

/** The body of an OAuth error, which has no `error` key. */
export function oauthError(status: number, message: string) {
  return { status, message };
}

/** A request that Helix answers with 400 and this message. */
export class BadRequest extends Error {}
