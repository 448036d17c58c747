import { after } from 'node:test';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { Secret } from '../../../src/config/secret.ts';
import { api } from '../../../src/http/api/index.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { scheduleService, storeProblemOf, targetsService } from '../../../src/worker/apiServices.ts';
import { freshNamespace } from '../../cli/harness.ts';
import { emptyStores } from '../../storage/support.ts';
import { sandboxAndClient } from '../../twitch/support.ts';

export const TOKEN = 'correct-horse-battery-staple';
export const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

/** For a suite. @returns what serves the API over a store with nothing in it, and a Twitch sandbox */
export function apiServers() {
  const newStore = emptyStores();
  return serve;

  async function serve({ reads = 'open' as 'open' | 'token', token = TOKEN, temporal = false } = {}) {
    const { sandbox, client } = await sandboxAndClient();
    const store = newStore();
    const lines: string[] = [];
    const namespace = temporal ? await freshNamespace() : undefined;
    const parts = { store, twitch: client, temporal: () => namespace?.client, instance: 'stream-poller' };
    const app = createHttpServer(pino({ level: 'silent' }));
    await app.register(api, {
      reads,
      allowedOrigins: ['https://example.org'],
      adminToken: token ? new Secret(token) : undefined,
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      explain: storeProblemOf(parts, 'redis://store'),
      targets: targetsService(parts),
      streams: store.streams,
      schedule: scheduleService(parts),
      polls: store.polls,
      replies: store.replies,
      announcements: store.feed,
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
