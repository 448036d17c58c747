import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { apiServers, TOKEN, WITH_TOKEN } from '../http/api/support.ts';

const PAGES = ['/', '/targets', '/polls', '/sign-in'];
const FORMS = [
  '/targets/preview',
  '/targets/add',
  '/targets/remove',
  '/schedule/pause',
  '/schedule/resume',
  '/schedule/trigger',
];
const OWN = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** What a browser would send from somewhere else, or what is none. */
const FOREIGN: [what: string, headers: Record<string, string>][] = [
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ['another host of the same site', { 'sec-fetch-site': 'same-site', origin: 'http://other.localhost' }],
  ['another port', { origin: 'http://localhost:3000' }],
  ['a sandboxed frame', { origin: 'null' }],
  ['an address bar', { 'sec-fetch-site': 'none' }],
  ['an older browser, elsewhere', { origin: 'https://evil.example' }],
  ['what says one thing and the other', { 'sec-fetch-site': 'cross-site', origin: 'http://localhost' }],
  ['an origin that is none', { origin: 'http://' }],
  ['no browser', {}],
];

/** The routes of the API that change something, with the parameters filled in. */
async function changesOf(app: FastifyInstance): Promise<{ method: 'POST'; url: string }[]> {
  const { paths } = (await app.inject('/openapi.json')).json();
  return Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== 'get')
      .map((method) => ({
        method: method.toUpperCase() as 'POST',
        url: path.replace('{kind}', 'user').replace('{id}', '1'),
      })),
  );
}

async function signIn(app: FastifyInstance, headers: Record<string, string> = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: '/sign-in',
    headers: { ...FORM, ...OWN, ...headers },
    payload: `token=${TOKEN}`,
  });
  assert.equal(answer.statusCode, 303, answer.body);
  const [cookie = ''] = [answer.headers['set-cookie']].flat();
  return { cookie: cookie.split(';')[0] ?? '', flags: cookie.split('; ').slice(1) };
}

describe('cross-site requests', () => {
  const serve = apiServers();

  it('change nothing by a form, whoever is signed in', async () => {
    const { app, store, lines } = await serve({ temporal: true });
    await store.targets.add('user', ['7']);
    const { cookie } = await signIn(app);
    lines.length = 0;
    for (const url of FORMS) {
      for (const [what, headers] of FOREIGN) {
        const options = { method: 'POST' as const, url, headers: { ...FORM, ...headers, cookie }, payload: 'user=7' };
        assert.equal((await app.inject(options)).statusCode, 403, `${url} from ${what}`);
      }
      const without = await app.inject({ method: 'POST', url, headers: { ...FORM, ...OWN }, payload: 'user=7' });
      assert.equal(without.statusCode, 401, url);
      for (const method of ['GET', 'PUT', 'DELETE'] as const) {
        const { statusCode } = await app.inject({ method, url: `${url}?user=7`, headers: { ...OWN, cookie } });
        assert.ok([404, 405].includes(statusCode), `${method} ${url}: ${statusCode}`);
      }
    }
    for (const url of ['/sign-in', '/sign-out']) {
      for (const [what, headers] of FOREIGN) {
        const payload = `token=${TOKEN}`;
        const answer = await app.inject({ method: 'POST', url, headers: { ...FORM, ...headers, cookie }, payload });
        assert.equal(answer.statusCode, 403, `${url} from ${what}`);
        assert.equal(answer.headers['set-cookie'], undefined);
      }
    }
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['7']);
    assert.deepEqual(lines, []);
    const headers = { ...FORM, ...OWN, cookie };
    await app.inject({ method: 'POST', url: '/targets/remove', headers, payload: 'user=7' });
    assert.equal(await store.targets.count('user'), 0);
  });

  it('change nothing by the API: a session is no token', async () => {
    const { app, store, lines } = await serve();
    const { cookie } = await signIn(app);
    lines.length = 0;
    const changes = await changesOf(app);
    assert.ok(changes.length >= 9, String(changes.length));
    for (const { method, url } of changes) {
      for (const [what, headers] of [...FOREIGN, ['a page of ours', OWN] as const]) {
        const { statusCode } = await app.inject({ method, url, headers: { ...headers, cookie } });
        // After 120 of them it is too much from one address, which is as good.
        assert.ok([401, 429].includes(statusCode), `${method} ${url} from ${what}: ${statusCode}`);
      }
    }
    assert.equal(await store.targets.count('user'), 0);
    assert.deepEqual(lines, []);
  });

  it('are read by pages of no other origin, unless the setting names it', async () => {
    const read = async (app: FastifyInstance, origin: string, options: InjectOptions = {}) =>
      (await app.inject({ url: '/api/v1/targets', ...options, headers: { ...options.headers, origin } })).headers;
    const asked = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' };
    const preflight: InjectOptions = { method: 'OPTIONS', url: '/api/v1/targets/user/1', headers: asked };
    const { app } = await serve();
    const closed = await serve({ env: { HTTP_ALLOWED_ORIGINS: '' } });
    for (const options of [{}, preflight, { url: '/' }, { url: '/targets' }] as InjectOptions[]) {
      for (const origin of ['https://evil.example', 'https://example.org.evil.example', 'null', 'http://example.org']) {
        assert.equal((await read(app, origin, options))['access-control-allow-origin'], undefined, origin);
      }
      assert.equal((await read(closed.app, 'https://example.org', options))['access-control-allow-origin'], undefined);
    }
    for (const options of [{}, preflight]) {
      const headers = await read(app, 'https://example.org', options);
      assert.equal(headers['access-control-allow-origin'], 'https://example.org');
      // The cookie of who is signed in stays here.
      assert.equal(headers['access-control-allow-credentials'], undefined);
    }
    assert.match(String((await read(app, 'https://example.org')).vary), /origin/i);
    assert.equal((await read(app, 'https://example.org', { url: '/' }))['access-control-allow-origin'], undefined);
  });
});

describe('sessions', () => {
  const serve = apiServers();

  it('are kept in a cookie that scripts and other sites do not get, and behind https no line without it', async () => {
    const { app } = await serve();
    const { cookie, flags } = await signIn(app);
    assert.deepEqual(flags.sort(), ['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict']);
    assert.ok(!cookie.includes(TOKEN));
    // A proxy that ends TLS: the browser tells the origin that it sees.
    const behind = await signIn(app, { host: 'poller.internal', origin: 'https://poller.internal' });
    assert.ok(behind.flags.includes('Secure'));
  });

  it('end with the token, with their time, and are made by nobody else', async () => {
    const { app } = await serve({ reads: 'token' });
    const { cookie } = await signIn(app);
    const sees = async (at: FastifyInstance, given: string) =>
      (await at.inject({ url: '/targets', headers: { cookie: given } })).statusCode === 200 &&
      (await at.inject({ url: '/api/v1/targets', headers: { cookie: given } })).statusCode === 200;
    assert.ok(await sees(app, cookie));
    const [name = '', value = ''] = cookie.split('=');
    const [until = '', signature = ''] = decodeURIComponent(value).split('.');
    const later = String(Number(until) + 1_000);
    for (const forged of [`${later}.${signature}`, `${until}.`, until, '', `${until}.${TOKEN}`, 'Infinity.x', '%']) {
      assert.equal(await sees(app, `${name}=${encodeURIComponent(forged)}`), false, forged);
    }
    const other = await serve({ reads: 'token', token: `${TOKEN}-2` });
    assert.equal(await sees(other.app, cookie), false);
    const same = await serve({ reads: 'token' });
    assert.ok(await sees(same.app, cookie), 'another worker with the same token');
  });
});

describe('headers', () => {
  const serve = apiServers();

  it('are strict on every page, asset, answer of the API and error', async () => {
    const { app } = await serve();
    const { cookie } = await signIn(app);
    const reads = [
      ...PAGES,
      '/openapi.json',
      '/api/v1/targets',
      '/api/v1/targets/export',
      '/api/v1/streams',
      '/api/v1/announcements',
      '/api/v1/polls',
      '/api/v1/schedule',
      '/api/v1/nothing',
      '/api/v1/targets?limit=x',
      '/api/v1/targets/user/1',
      '/nothing',
      '/assets/page.js',
      '/assets/page.css',
      '/assets/nothing.js',
    ];
    const requests: InjectOptions[] = [
      ...reads.map((url) => ({ url, headers: { cookie } })),
      ...FORMS.map((url) => ({ method: 'POST' as const, url })),
      ...(await changesOf(app)).flatMap((route) => [route, { ...route, headers: WITH_TOKEN }]),
    ];
    for (const request of requests) {
      const { headers, statusCode } = await app.inject(request);
      const where = `${request.method ?? 'GET'} ${request.url} ${statusCode}`;
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ]) {
        assert.ok(policy.split(';').includes(part), `${where}: ${part} in ${policy}`);
      }
      assert.ok(!policy.includes('unsafe'), where);
      assert.equal(headers['x-content-type-options'], 'nosniff', where);
      assert.equal(headers['x-frame-options'], 'DENY', where);
      assert.equal(headers['referrer-policy'], 'same-origin', where);
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', where);
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin', where);
      const isAsset = statusCode === 200 && request.url?.toString().startsWith('/assets/');
      assert.equal(headers['cache-control'], isAsset ? 'public, max-age=3600' : 'no-store', where);
      assert.equal(headers.server ?? headers['x-powered-by'], undefined, where);
      if (Number(headers['content-length'] ?? 1) > 0) assert.match(String(headers['content-type']), /\w+\/\w+/, where);
    }
  });
});

describe('names of the server', () => {
  const serve = apiServers();

  it('are addresses, names that no stranger can have, and those of the setting', async () => {
    const { app } = await serve({ env: { HTTP_ALLOWED_HOSTS: 'Poller.example.org, poller.lan' } });
    const statusOf = async (host: string, url: string) => (await app.inject({ url, headers: { host } })).statusCode;
    for (const host of [
      '127.0.0.1:8080',
      '[::1]:8080',
      '10.1.2.3',
      'localhost:8080',
      'localhost.',
      'poller.localhost',
      'worker:8080',
      'poller.default.svc',
      'poller.default.svc.cluster.local:80',
      'host.docker.internal',
      'poller.example.org',
      'POLLER.example.org:443',
      'poller.lan',
    ]) {
      for (const url of ['/', '/api/v1/targets']) assert.equal(await statusOf(host, url), 200, `${host} ${url}`);
    }
    for (const host of [
      'evil.example',
      'evil.example:8080',
      'a.poller.example.org',
      'poller.example.org.evil.example',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'evil.local',
      'svc.cluster.local.evil.example',
      'evil.example@127.0.0.1',
      '127.0.0.1, evil.example',
      'evil.example#.localhost',
      '[::1].evil.example',
      '[evil.example]',
      ' ',
      'é.localhost',
      '.',
    ]) {
      for (const url of ['/', '/targets', '/sign-in', '/assets/page.js', '/openapi.json', '/api/v1/targets']) {
        assert.equal(await statusOf(host, url), 421, `${host} ${url}`);
      }
    }
    const told = await app.inject({ url: '/api/v1/targets', headers: { host: 'Evil.example:80' } });
    assert.match(told.json().detail, /^evil\.example is no name of this server: HTTP_ALLOWED_HOSTS/);
    assert.match(String(told.headers['content-type']), /^application\/problem\+json/);
    const changed = await app.inject({
      method: 'PUT',
      url: '/api/v1/targets/user/1',
      headers: { ...WITH_TOKEN, host: 'evil.example' },
    });
    assert.equal(changed.statusCode, 421);
  });
});
