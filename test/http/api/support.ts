import { after } from 'node:test';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { readSettings } from '../../../src/config/env.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { readScheduleState } from '../../../src/temporal/schedule/state.ts';
import type { ApiParts } from '../../../src/worker/apiServices.ts';
import { web } from '../../../src/worker/web.ts';
import { freshNamespace } from '../../cli/harness.ts';
import { emptyStores } from '../../storage/support.ts';
import { CLIENT_ID, CLIENT_SECRET, sandboxAndClient } from '../../twitch/support.ts';

export const TOKEN = 'correct-horse-battery-staple';
export const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

/** For a suite. @returns what serves the API and the pages over a store with nothing in it, and a Twitch sandbox */
export function apiServers() {
  const newStore = emptyStores();
  return serve;

  async function serve({ reads = 'open' as 'open' | 'token', token = TOKEN, temporal = false, env = {} } = {}) {
    const { sandbox, client } = await sandboxAndClient();
    const store = newStore();
    const lines: string[] = [];
    const namespace = temporal ? await freshNamespace() : undefined;
    const temporalClient = namespace?.client;
    const parts: ApiParts = {
      store,
      twitch: client,
      temporal: () => temporalClient,
      instance: 'stream-poller',
      observed: async () => ({
        failures: [],
        ...(temporalClient && { schedule: await readScheduleState(temporalClient, 'stream-poller') }),
      }),
    };
    const app = createHttpServer(pino({ level: 'silent' }));
    await app.register(web, {
      settings: readSettings({
        TWITCH_CLIENT_ID: CLIENT_ID,
        TWITCH_CLIENT_SECRET: CLIENT_SECRET,
        DRAGONFLY_URL: 'redis://store',
        RABBITMQ_URL: 'amqp://broker',
        HTTP_READS: reads,
        HTTP_ALLOWED_ORIGINS: 'https://example.org',
        ADMIN_TOKEN: token,
        ...env,
      }),
      namespace: 'default',
      parts,
      checks: async () => ({}),
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    });
    after(() => app.close());
    const call = async (
      method: InjectOptions['method'],
      path: string,
      payload?: object,
      headers: object = WITH_TOKEN,
    ) => {
      const answer = await app.inject({
        method: method as 'GET',
        url: `/api/v1${path}`,
        headers: { ...headers },
        ...(payload && { payload }),
      });
      return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.body && answer.json() };
    };
    return { app, store, sandbox, lines, call, client: namespace?.client };
  }
}
