import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Answer, BadRequest, type Endpoint, helixError } from './answer.ts';
import type { TokenBucket } from './bucket.ts';
import type { Deliver } from './deliver.ts';
import type { Entry } from './directory.ts';
import { type Query, type StreamsEndpoint, values } from './streams.ts';
import type { Tokens } from './tokens.ts';
import type { World } from './world.ts';

export interface HelixOptions {
  world: World;
  streams: StreamsEndpoint;
  tokens: Tokens;
  bucket: TokenBucket;
  clientId: string;
  deliver: Deliver;
}

type Body = Pick<Answer, 'status' | 'body'> & Pick<Partial<Answer>, 'page'>;

const ID_PARAMETERS = ['user_id', 'user_login', 'game_id', 'id', 'login', 'name', 'igdb_id'];

function helixUser({ id, name }: Entry) {
  return {
    id,
    login: name.toLowerCase(),
    display_name: name,
    type: '',
    broadcaster_type: '',
    description: '',
    profile_image_url: `https://static-cdn.jtvnw.net/jtv_user_pictures/${id}-profile_image-300x300.png`,
    offline_image_url: '',
    view_count: 0,
    created_at: '2020-01-01T00:00:00Z',
  };
}

/** Values of several parameters that may have 100 together. */
function together(query: Query, names: readonly [string, ...string[]]): string[][] {
  const lists = names.map((name) => values(query, name));
  const count = lists.flat().length;
  if (count === 0) throw new BadRequest(`The request must specify the ${names.join(' or ')} query parameter.`);
  if (count > 100) {
    throw new BadRequest(`The parameter "${names[0]}" was malformed: the value must be less than or equal to 100`);
  }
  return lists;
}

const distinct = (entries: readonly (Entry | undefined)[]): Entry[] => [
  ...new Map(entries.filter((entry) => entry !== undefined).map((entry) => [entry.id, entry])).values(),
];

/** `/helix/streams`, `/helix/users` and `/helix/games`, with Twitch's checks in front of them. */
export function helixRoutes(app: FastifyInstance, options: HelixOptions): void {
  const { world, streams, tokens, bucket, clientId, deliver } = options;

  function unauthorized(request: FastifyRequest): string | undefined {
    const { authorization, 'client-id': givenClientId } = request.headers;
    if (!authorization) return 'OAuth token is missing';
    const token = /^(?:Bearer|OAuth) +(\S+)$/i.exec(authorization)?.[1];
    if (!token || tokens.expiresInSeconds(token) === undefined) return 'Invalid OAuth token';
    if (!givenClientId) return 'Client ID is missing';
    return givenClientId === clientId ? undefined : 'Client ID and OAuth token do not match';
  }

  function users(query: Query): Body {
    const [ids = [], logins = []] = together(query, ['id', 'login']);
    const entries = [...ids.map((id) => world.users.get(id)), ...logins.map((login) => world.users.find(login))];
    return { status: 200, body: { data: distinct(entries).map(helixUser) } };
  }

  function games(query: Query): Body {
    const [ids = [], names = [], igdbIds = []] = together(query, ['id', 'name', 'igdb_id']);
    const igdbIdOf = new Map([...world.igdbIds].map(([igdbId, id]) => [id, igdbId]));
    const entries = distinct([
      ...ids.map((id) => world.games.get(id)),
      ...names.map((name) => world.games.find(name)),
      ...igdbIds.map((igdbId) => world.games.get(world.igdbIds.get(igdbId) ?? '')),
    ]);
    const data = entries.map(({ id, name }) => ({
      id,
      name,
      box_art_url: `https://static-cdn.jtvnw.net/ttv-boxart/${id}-{width}x{height}.jpg`,
      igdb_id: igdbIdOf.get(id) ?? '',
    }));
    return { status: 200, body: { data } };
  }

  function liveStreams(query: Query): Body {
    const page = streams.answer(query);
    return { status: 200, body: page.body, page };
  }

  function compute(request: FastifyRequest, handle: (query: Query) => Body): Body {
    const problem = unauthorized(request);
    if (problem) return { status: 401, body: helixError(401, problem) };
    if (!bucket.take()) return { status: 429, body: helixError(429, 'Request limit exceeded') };
    try {
      return handle(request.query as Query);
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      return { status: 400, body: helixError(400, error.message) };
    }
  }

  function route(endpoint: Endpoint, handle: (query: Query) => Body): void {
    app.get(`/helix/${endpoint}`, (request, reply) =>
      deliver(endpoint, reply, () => {
        const query = request.query as Query;
        const after = [query.after ?? ''].flat().at(-1);
        return {
          ...compute(request, handle),
          headers: bucket.headers(),
          ids: ID_PARAMETERS.flatMap((name) => query[name] ?? []),
          parameter: ID_PARAMETERS.find((name) => query[name] !== undefined) ?? 'user_id',
          ...(after && { after }),
        };
      }),
    );
  }

  route('streams', liveStreams);
  route('users', users);
  route('games', games);
}
