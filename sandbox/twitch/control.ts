import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FaultHandle, Faults } from './faults.ts';
import * as orders from './orders.ts';
import type { Simulation } from './simulate.ts';
import type { Stats } from './stats.ts';
import type { World } from './world.ts';

export interface ControlOptions {
  world: World;
  faults: Faults;
  stats: () => Stats;
}

/** What each control endpoint is for; the index page lists them. */
export const CONTROL_ENDPOINTS: readonly [string, string][] = [
  ['GET /sandbox/world?limit=1000', 'who is live, and how many users and games there are'],
  ['POST /sandbox/live', '{userId, gameId?, title?, startedAt?, streamId?, viewers?, language?}, or a list of them'],
  ['POST /sandbox/end', '{userId}, or a list of them'],
  ['POST /sandbox/change', '{userId, title?, gameId?, login?, viewers?}, or a list of them'],
  ['POST /sandbox/flap', '{userId, ms}, or a list of them: gone for so long, then the same stream again'],
  ['POST /sandbox/users', '{id, login}, or a list of them'],
  ['POST /sandbox/games', '{id, name, igdbId?}, or a list of them'],
  ['POST /sandbox/populate', '{users?, games?}: how many computed ones there are'],
  [
    'POST /sandbox/simulate',
    '{users, games?, goLivePerSecond?, meanMinutesOnAir?, changePerSecond?, flapPerSecond?, …}',
  ],
  ['DELETE /sandbox/simulate', 'stops the simulations that were started here'],
  ['GET /sandbox/faults', 'ordered faults and how many requests each has hit'],
  ['POST /sandbox/faults', '{kind, …, times?, forMs?, probability?, match?}'],
  ['DELETE /sandbox/faults, DELETE /sandbox/faults/:id', 'removes all of them, or one'],
  ['POST /sandbox/revoke-tokens', 'makes every token invalid'],
  ['POST /sandbox/drain', '{points}: takes points out of the rate limit’s bucket'],
  ['POST /sandbox/other-client', '{requestsPerMinute}: a second consumer of the bucket'],
  ['POST /sandbox/settings', '{viewerDrift?, tokenLifetimeSeconds?}'],
  ['GET /sandbox/stats', 'requests by endpoint and status, by second and by minute'],
];

const MAX_BODY_BYTES = 64 * 1024 * 1024;

const shown = ({ id, order, hits, active }: FaultHandle) => ({ ...order, id, hits, active });

/** `/sandbox/*`: the world and the faults, steered from another process. */
export function controlRoutes(app: FastifyInstance, { world, faults, stats }: ControlOptions): void {
  const simulations: Simulation[] = [];

  function post<T>(path: string, schema: z.ZodType<T>, handle: (body: T) => unknown): void {
    app.post(`/sandbox/${path}`, { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
      const body = schema.safeParse(request.body);
      if (!body.success) return reply.code(400).send({ error: 'Bad Request', message: z.prettifyError(body.error) });
      return reply.send(handle(body.data) ?? {});
    });
  }

  app.get('/sandbox/world', async (request) => {
    const { limit } = orders.worldQuery.parse(request.query);
    return {
      users: world.users.size,
      games: world.games.size,
      liveCount: world.liveCount,
      live: world.live().slice(0, limit),
    };
  });
  post('live', orders.goLives, (starts) => starts.map((start) => world.goLive(start)));
  post('end', orders.ends, (ends) => ends.map(({ userId }) => world.end(userId) ?? null));
  post('change', orders.changes, (changes) => changes.map(({ userId, ...to }) => world.change(userId, to) ?? null));
  post('flap', orders.flaps, (flaps) => flaps.map(({ userId, ms }) => world.flap(userId, ms) ?? null));
  post('users', orders.users, (users) => users.map((user) => world.addUser(user)));
  post('games', orders.games, (games) => games.map((game) => world.addGame(game)));
  post('populate', orders.populations, (counts) => {
    world.populate(counts);
    return { users: world.users.size, games: world.games.size };
  });
  post('simulate', orders.simulation, (options) => {
    simulations.push(world.simulate(options));
  });
  app.delete('/sandbox/simulate', async () => {
    for (const simulation of simulations.splice(0)) simulation.stop();
    return {};
  });

  app.get('/sandbox/faults', async () => faults.list().map(shown));
  post('faults', orders.faultOrder, (order) => shown(faults.add(order)));
  app.delete('/sandbox/faults', async () => {
    faults.clear();
    return {};
  });
  app.delete<{ Params: { id: string } }>('/sandbox/faults/:id', async (request, reply) => {
    const fault = faults.list().find(({ id }) => String(id) === request.params.id);
    fault?.remove();
    return fault ? shown(fault) : reply.code(404).send({ error: 'Not Found', message: 'no such fault' });
  });
  post('revoke-tokens', z.unknown(), () => ({ revoked: faults.revokeTokens() }));
  post('drain', orders.points, ({ points }) => faults.drain(points));
  post('other-client', orders.otherClient, ({ requestsPerMinute }) => faults.otherClient(requestsPerMinute));
  post('settings', orders.settings, ({ viewerDrift, tokenLifetimeSeconds }) => {
    if (viewerDrift !== undefined) world.viewerDrift = viewerDrift;
    if (tokenLifetimeSeconds !== undefined) faults.setTokenLifetime(tokenLifetimeSeconds);
  });
  app.get('/sandbox/stats', async () => stats());
}
