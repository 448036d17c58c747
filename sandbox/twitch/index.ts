import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { helixError } from './answer.ts';
import { TokenBucket } from './bucket.ts';
import { controlRoutes } from './control.ts';
import { createDeliver } from './deliver.ts';
import { Faults } from './faults.ts';
import { helixRoutes } from './helix.ts';
import { oauthRoutes } from './oauth.ts';
import { indexPage } from './page.ts';
import { Random } from './random.ts';
import { Recorder, type Stats } from './stats.ts';
import { StreamsEndpoint } from './streams.ts';
import { Tokens } from './tokens.ts';
import { World } from './world.ts';

export type { Endpoint, HelixStream } from './answer.ts';
export type { FaultHandle, FaultKind, FaultOrder, Faults, Match, RequestInfo } from './faults.ts';
export type { GoLive, LiveStream, StreamChange } from './liveStream.ts';
export type { Simulation, SimulationOptions } from './simulate.ts';
export type { Stats } from './stats.ts';
export type { World } from './world.ts';

export interface TwitchSandboxOptions {
  /** Default 0: any free one. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 1. The same seed and the same requests in the same order give the same answers. */
  seed?: number;
  /** Default `sandboxclient`. */
  clientId?: string;
  /** Default `sandboxsecret`. */
  clientSecret?: string;
  /** The rate limit: size of the bucket and points it regains a minute. Default 800, as at Twitch. */
  requestsPerMinute?: number;
  /** How long each answer takes, or between how much and how much. Default 0. */
  latencyMs?: number | readonly [number, number];
  /** How long tokens are valid. Default 5,000,000: about 58 days, as at Twitch. */
  tokenLifetimeSeconds?: number;
}

export interface TwitchSandbox {
  /** `http://127.0.0.1:PORT` */
  url: string;
  apiUrl: string;
  authUrl: string;
  clientId: string;
  clientSecret: string;
  /** The application's settings that lead to this sandbox. */
  settings: Record<'TWITCH_API_URL' | 'TWITCH_AUTH_URL' | 'TWITCH_CLIENT_ID' | 'TWITCH_CLIENT_SECRET', string>;
  /** The truth: who is live. */
  world: World;
  faults: Faults;
  stats(): Stats;
  /** Unix milliseconds at which a whole, good answer with this stream was first sent. */
  firstServedAtMs(streamId: string): number | undefined;
  close(): Promise<void>;
}

/** As Twitch's own mock server names them: some clients can be pointed to such a server alone. */
const withoutMockPaths = (url = '/') => url.replace(/^\/mock\//, '/helix/').replace(/^\/auth\//, '/oauth2/');

function createApp(): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
    rewriteUrl: ({ url }) => withoutMockPaths(url),
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(helixError(404, '')));
  return app;
}

/** Starts a Helix and OAuth server that behaves as Twitch's do, and fails as they do when a fault is ordered. */
export async function startTwitchSandbox(options: TwitchSandboxOptions = {}): Promise<TwitchSandbox> {
  const { host = '127.0.0.1', clientId = 'sandboxclient', clientSecret = 'sandboxsecret', latencyMs = 0 } = options;
  const random = new Random(options.seed ?? 1);
  const [latencyFrom, latencyTo] = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs;
  const latency = random.fork('latency');
  const closing = new AbortController();

  const world = new World(random.fork('world'));
  const tokens = new Tokens(random.fork('tokens'), options.tokenLifetimeSeconds ?? 5_000_000);
  const bucket = new TokenBucket(options.requestsPerMinute ?? 800);
  const faults = new Faults(random.fork('faults'), bucket, tokens);
  const recorder = new Recorder();
  const stats = () => recorder.stats(tokens.issued);
  const deliver = createDeliver({
    faults,
    recorder,
    latencyMs: () => latencyFrom + latency.next() * (latencyTo - latencyFrom),
    closing: closing.signal,
  });

  const app = createApp();
  const streams = new StreamsEndpoint(world, random.fork('viewers').seed);
  helixRoutes(app, { world, streams, tokens, bucket, clientId, deliver });
  oauthRoutes(app, { tokens, clientId, clientSecret, deliver });
  controlRoutes(app, { world, faults, stats });
  app.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(indexPage({ clientId, users: world.users.size, games: world.games.size, live: world.liveCount })),
  );
  await app.listen({ port: options.port ?? 0, host });

  const { port } = app.server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const url = `http://${reachable}:${port}`;
  const [apiUrl, authUrl] = [`${url}/helix`, `${url}/oauth2`];
  return {
    url,
    apiUrl,
    authUrl,
    clientId,
    clientSecret,
    settings: {
      TWITCH_API_URL: apiUrl,
      TWITCH_AUTH_URL: authUrl,
      TWITCH_CLIENT_ID: clientId,
      TWITCH_CLIENT_SECRET: clientSecret,
    },
    world,
    faults,
    stats,
    firstServedAtMs: (streamId) => recorder.firstServedAtMs(streamId),
    close: async () => {
      world.close();
      closing.abort();
      await app.close();
    },
  };
}
