import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import { plainEnvironment } from '../../sandbox/services/process.ts';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import { eventually } from '../support/services.ts';
import { findSecrets, histories, storeFiles, type Traces, workerLogs } from './traces.ts';

const SECRETS = {
  'the Twitch secret': 'tw1tch-s3cret-Zq8',
  'the broker password': 'br0ker-passw0rd-Xk2',
  'the store password': 'st0re-passw0rd-Wm5',
  'the admin token': 'adm1n-token-Vp7-sixteen',
  'a wrong admin token': 'wr0ng-adm1n-Rb6-sixteen',
  'a wrong Twitch secret': 'wr0ng-tw1tch-Jd3',
  'a wrong broker password': 'wr0ng-br0ker-Hb9',
  'a wrong store password': 'wr0ng-st0re-Gf4',
};
const ROOT = join(import.meta.dirname, '../..');

describe('no secret is left anywhere', { timeout: 200_000 }, () => {
  let system: System;
  let auth: FaultProxy;
  let worker: SystemWorker;
  const tokens = new Set<string>();
  const seen: Traces = new Map();
  const withPassword = (url: string, user: string, password: string) => {
    const changed = new URL(url);
    changed.username = user;
    changed.password = password;
    return changed.href;
  };
  const protectStore = async () => {
    const store = new Redis(system.services.redisUrl);
    await store.config('SET', 'requirepass', SECRETS['the store password']);
    store.disconnect();
  };

  /** Of who has signed in on the pages. */
  let session = '';
  const withToken = { authorization: `Bearer ${SECRETS['the admin token']}` };
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };

  async function ask(at: SystemWorker, when: string, path: string, options: RequestInit = {}): Promise<Response> {
    const answer = await fetch(new URL(path, at.healthUrl), {
      redirect: 'manual',
      signal: AbortSignal.timeout(15_000),
      ...options,
    });
    const { method = 'GET', headers } = options;
    // The browser has to be told its session, and nobody else.
    const told = JSON.stringify([...answer.headers].filter(([name]) => name !== 'set-cookie'));
    const name = `${method} ${path} ${Object.keys(headers ?? {}).join('+')} ${when}`;
    seen.set(name, `${answer.status}\n${told}\n${await answer.text()}`);
    return answer;
  }

  /** What the worker says over HTTP at this moment: every route and page, to strangers, with the token, and signed in. */
  async function look(at: SystemWorker, when: string): Promise<void> {
    const described = await fetch(new URL('/openapi.json', at.healthUrl));
    const { paths } = (await described.json()) as { paths: Record<string, object> };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        // Streams and targets that there are not: nothing that is watched is to change.
        path: path.replace('{kind}', 'user').replace(/\{\w+\}/g, '1'),
      })),
    );
    assert.ok(routes.length >= 15, String(routes.length));
    // It has no end.
    const reads = routes.filter(({ method, path }) => method === 'GET' && !path.endsWith('/live'));
    // Replaces all targets, and begins or ends polls.
    const changes = routes.filter(({ method, path }) => method !== 'GET' && !/\/(targets|pause|trigger)$/.test(path));
    const pages = ['/', '/targets', '/targets?state=refused', '/polls', '/sign-in', '/assets/page.js'];
    const plain = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/nothing?token=x', '/api/v1/%'];
    const cookie = { cookie: session };
    await Promise.all([
      ...[...plain, ...pages].map((path) => ask(at, when, path)),
      ...pages.map((path) => ask(at, when, path, { headers: cookie })),
      ...reads.flatMap(({ path }) => [ask(at, when, path), ask(at, when, path, { headers: withToken })]),
      ...changes.map(({ method, path }) => {
        const headers = { ...withToken, 'content-type': 'application/json' };
        return ask(at, when, path, { method, headers, body: '{"users":{"logins":["nobody"]}}' });
      }),
      // Guesses count as changes do, of which there are only so many a minute.
      ask(at, when, '/api/v1/targets/user/1', { method: 'PUT' }),
      ask(at, when, '/api/v1/targets/user/1', {
        method: 'PUT',
        headers: { authorization: `Bearer ${SECRETS['a wrong admin token']}` },
      }),
      ...['/targets/preview', '/targets/add', '/schedule/resume'].map((path) =>
        ask(at, when, path, { method: 'POST', headers: { ...form, ...cookie }, body: 'entries=nobody&user=x' }),
      ),
      ask(at, when, '/sign-in', {
        method: 'POST',
        headers: form,
        body: `token=${encodeURIComponent(SECRETS['a wrong admin token'])}`,
      }),
    ]);
  }

  async function client(name: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const command = [join(ROOT, 'src/client.ts'), ...args];
    const options = { cwd: system.dir, env: { ...system.env, LOG_LEVEL: 'trace', ...env }, timeout: 30_000 };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, options).catch((error) => error);
    assert.ok(`${stdout}${stderr}`.length > 0, `client ${args.join(' ')} said something`);
    seen.set(`client ${args.join(' ')} ${name}`, `${stdout}${stderr}`);
  }

  const notReady = (at: SystemWorker, what: RegExp) =>
    eventually(
      async () => {
        const answer = await fetch(at.healthUrl);
        const text = await answer.text();
        assert.equal(answer.status, 503);
        assert.match(text, what);
      },
      { timeoutMs: 20_000, intervalMs: 100, message: String(what) },
    );
  const polled = (after = new Date().toISOString()) =>
    eventually(async () => assert.ok((await system.reports()).some(({ startedAt }) => startedAt >= after)), {
      timeoutMs: 40_000,
      intervalMs: 200,
      message: 'a poll that comes to its end',
    });

  before(async () => {
    system = await startSystem({
      intervalSeconds: 1,
      twitch: { clientSecret: SECRETS['the Twitch secret'] },
      env: {
        LOG_LEVEL: 'trace',
        ADMIN_TOKEN: SECRETS['the admin token'],
        TWITCH_VALIDATE_TTL_SECONDS: '0',
      },
    });
    const { rabbitmq, redisUrl, rabbitmqUrl } = system.services;
    system.env.DRAGONFLY_URL = withPassword(redisUrl, '', SECRETS['the store password']);
    system.env.RABBITMQ_URL = withPassword(rabbitmqUrl, 'poller', SECRETS['the broker password']);
    await rabbitmq.ctl('add_user', 'poller', SECRETS['the broker password']);
    await rabbitmq.ctl('set_permissions', 'poller', '.*', '.*', '.*');
    await protectStore();
    const { port } = new URL(system.sandbox.authUrl);
    auth = await startFaultProxy({ target: { host: '127.0.0.1', port: Number(port) } });
    auth.observe((_direction, chunk) => {
      for (const [, token] of chunk.toString('latin1').matchAll(/"access_token":"(\w+)"/g)) tokens.add(String(token));
      return undefined;
    });
    system.env.TWITCH_AUTH_URL = auth.url(system.sandbox.authUrl);
    const { world } = system.sandbox;
    world.populate({ users: 150, games: 2 });
    system.env.TARGET_USER_IDS = world.userIds(150).join(',');
    for (const userId of world.userIds(20)) world.goLive({ userId });
    worker = await system.startWorker();
    await system.schedule();
    await polled();
  });
  after(async () => {
    await auth?.close();
    await system?.stop();
  });

  it('while all is well', async () => {
    const body = `token=${encodeURIComponent(SECRETS['the admin token'])}`;
    const signedIn = await ask(worker, 'signing in', '/sign-in', { method: 'POST', headers: form, body });
    session = String(signedIn.headers.getSetCookie()[0]).split(';')[0] ?? '';
    assert.match(session, /^[\w-]+=\S{20,}$/);
    await look(worker, 'while all is well');
    await client('while all is well', ['status']);
    await client('while all is well', ['status', '--json']);
    await client('while all is well', ['targets', 'list', '--all']);
    await client('while all is well', ['schedule', 'describe', '--json']);
  });

  it('while Twitch refuses, fails, and has revoked the token', async () => {
    const { faults } = system.sandbox;
    for (const status of [401, 500, 403]) {
      const fault = faults.add({ kind: 'status', status, match: { endpoint: 'streams' } });
      await eventually(() => fault.hits > 0);
      await look(worker, `during ${status}`);
      fault.remove();
    }
    for (const endpoint of ['token', 'validate'] as const) {
      const fault = faults.add({ kind: 'status', status: 500, match: { endpoint } });
      faults.revokeTokens();
      await eventually(() => fault.hits > 0, { timeoutMs: 20_000 });
      await look(worker, `during 500 of ${endpoint}`);
      fault.remove();
    }
    await polled();
  });

  it('while the broker, the store and Temporal are away', async () => {
    const { rabbitmq, redis } = system.services;
    await rabbitmq.stopApp();
    system.sandbox.world.goLive({ userId: system.sandbox.world.userIds(30)[25] as string });
    await notReady(worker, /RABBITMQ_URL/);
    await look(worker, 'without a broker');
    await client('without a broker', ['status']);
    await rabbitmq.startApp();

    await redis.stop();
    await notReady(worker, /DRAGONFLY_URL/);
    await look(worker, 'without a store');
    await client('without a store', ['targets', 'list']);
    // Comes back without asking for a password, which the server's answer to the password then quotes.
    await redis.start();
    await look(worker, 'with a store that knows no password');
    await protectStore();
    await polled();

    const { temporal } = system.services;
    await temporal.stop();
    await notReady(worker, /TEMPORAL_ADDRESS/);
    await look(worker, 'without Temporal');
    await client('without Temporal', ['status']);
    await temporal.start();
    await polled();
  });

  it('while secrets are wrong', async () => {
    const { redisUrl, rabbitmqUrl } = system.services;
    const wrong = {
      TWITCH_CLIENT_SECRET: SECRETS['a wrong Twitch secret'],
      DRAGONFLY_URL: withPassword(redisUrl, 'poller', SECRETS['a wrong store password']),
      RABBITMQ_URL: withPassword(rabbitmqUrl, 'poller', SECRETS['a wrong broker password']),
    };
    await worker.stop();
    const mistaken = await system.startWorker({ env: wrong, wait: false });
    await notReady(mistaken, /TWITCH_CLIENT_SECRET/);
    await notReady(mistaken, /"rabbitmq":\{"ok":false,"detail":"[^"]*(refused|RABBITMQ_URL)/);
    await notReady(mistaken, /"dragonfly":\{"ok":false/);
    await look(mistaken, 'with wrong secrets');
    await client('with wrong secrets', ['status'], wrong);
    await client('with wrong secrets', ['targets', 'list'], wrong);
    await client('with wrong secrets', ['targets', 'add', 'user', '--login', 'nobody'], wrong);
    await client('with a broker that refuses', ['watch'], { ...wrong, RABBITMQ_URL: `${wrong.RABBITMQ_URL}/none` });
    await mistaken.stop();
    // Wrong settings are told by name, and not by value.
    const broken = plainEnvironment({ ...system.env, ...wrong, POLL_INTERVAL_SECONDS: 'never', RABBITMQ_URL: 'x' });
    const start = promisify(execFile)(process.execPath, [join(ROOT, 'src/worker.ts')], { env: broken });
    const { stdout, stderr } = await start.catch((error) => error);
    assert.match(stderr, /POLL_INTERVAL_SECONDS/);
    seen.set('worker with wrong settings', `${stdout}${stderr}`);
  });

  it('in logs, histories, the store, HTTP answers and client output', async (t) => {
    await worker.stop();
    const { services, dir } = system;
    const traces: Traces = new Map([
      ...seen,
      ...workerLogs(system),
      ...storeFiles(join(dir, 'redis')),
      ...(await histories(system)),
    ]);
    assert.ok(tokens.size >= 2, `tokens that were issued: ${tokens.size}`);
    assert.ok(
      [...traces.keys()].some((name) => name.startsWith('workflow poll-streams')),
      'histories were found',
    );
    assert.match(traces.get('log of worker-0') ?? '', /"level":(10|20)/, 'the log is a detailed one');
    const issued = Object.fromEntries([...tokens].map((token, n) => [`token ${n}`, token]));
    issued['a session'] = session.split('=')[1] ?? '';
    const found = findSecrets(traces, { ...SECRETS, ...issued });
    const bytes = [...traces.values()].reduce((sum, text) => sum + text.length, 0);
    t.diagnostic(`${traces.size} traces with ${Math.round(bytes / 1_024)} KiB searched, ${tokens.size} tokens issued`);
    assert.ok(services.temporal.cli);
    assert.deepEqual(found, []);
  });

  it('and the search finds what it is for', () => {
    const hidden = Buffer.from(`{"x":"${SECRETS['the admin token']}"}`).toString('base64');
    const text: Traces = new Map([
      ['plain', SECRETS['the Twitch secret']],
      ['header', 'authorization: Bearer abc'],
      ['url', 'amqp://user:pass@host/'],
      ['other', `amqp://host/ redis://host:6379/0 ${hidden.slice(0, 4)}`],
    ]);
    const where = findSecrets(text, SECRETS).map((found) => found.split(':')[0]);
    assert.deepEqual(where, ['plain', 'header', 'url']);
  });
});
