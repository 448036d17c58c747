import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from '@hey-api/openapi-ts';
import fc from 'fast-check';
import { listen } from '../../../src/http/server.ts';
import { apiServers, TOKEN, WITH_TOKEN } from './support.ts';

const ROOT = join(import.meta.dirname, '../../..');

describe('the HTTP API: description', () => {
  const serve = apiServers();

  it('has a client that is generated from its description, as in the example of the documentation', async (t) => {
    const { app, store, sandbox } = await serve();
    for (const [i, login] of ['pixelpanda', 'mossyotter', 'dapperfalcon'].entries()) {
      sandbox.world.addUser({ id: `60${i}`, login });
    }
    const url = await listen(app, '127.0.0.1', 0);
    const dir = mkdtempSync(join(tmpdir(), 'stream-poller-api-'));
    t.after(() => rmSync(dir, { recursive: true }));
    await createClient({ input: `${url}/openapi.json`, output: join(dir, 'client'), logs: { level: 'silent' } });
    const [, example = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/api.md'), 'utf8')) ?? [];
    writeFileSync(join(dir, 'manager.ts'), example);
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    const flags = [
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--outDir',
      join(dir, 'js'),
    ];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, ...flags, 'manager.ts'], { cwd: dir });
    writeFileSync(join(dir, 'js/package.json'), '{"type":"module"}');
    const { watchFor } = await import(join(dir, 'js/manager.js'));
    assert.deepEqual(await watchFor('7', ['pixelpanda', 'mossyotter', 'nobody_here'], url, TOKEN), ['nobody_here']);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['600', '601']);
    assert.deepEqual(await watchFor('7', ['dapperfalcon', 'mossyotter'], url, TOKEN), []);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['601', '602']);
    await assert.rejects(watchFor('7', ['pixelpanda'], url, 'another-token'));
  });

  it('answers whatever is sent to any of its routes with a status below 500, and a problem where it is not understood', async () => {
    const { app } = await serve();
    const { paths } = (await app.inject('/openapi.json')).json();
    const routes = Object.entries(paths as Record<string, object>)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() as 'GET' })),
      )
      .filter(({ path }) => !path.endsWith('/live') && !path.includes('/schedule'));
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1', '-1', 'user:1', '1e9', '%', '\ud800'),
    );
    const values = fc.oneof(fc.jsonValue(), fc.array(text, { maxLength: 5 }), text, fc.constant(null));
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('users', 'games', 'labels', 'note', '__proto__'), values),
      fc.record({ users: fc.dictionary(fc.constantFrom('ids', 'logins', 'urls', 'x'), values) }),
    );
    const query = fc.dictionary(
      fc.constantFrom('kind', 'state', 'label', 'after', 'before', 'limit', 'game', 'x'),
      text,
    );
    const type = fc.constantFrom(
      'application/json',
      'application/x-ndjson',
      'text/plain',
      'application/x-www-form-urlencoded',
    );
    const request = fc.record({
      from: fc.ipV4(),
      route: fc.constantFrom(...routes),
      kind: fc.constantFrom('user', 'game', 'x'),
      id: text,
      query,
      body,
      type,
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ from, route: { path, method }, kind, id, query, body, type }) => {
        const clean = Object.entries(query).map(([name, value]): [string, string] => [name, value.toWellFormed()]);
        const target = path.replace('{kind}', kind).replace('{id}', encodeURIComponent(id.toWellFormed()));
        const answer = await app.inject({
          method,
          url: `${target}?${new URLSearchParams(clean)}`,
          // Else it is soon too much from one.
          remoteAddress: from,
          headers: { ...WITH_TOKEN, 'content-type': type },
          ...(method !== 'GET' && { payload: JSON.stringify(body) }),
        });
        assert.ok(answer.statusCode < 500, `${method} ${target} ${answer.body}`);
        if (answer.statusCode < 400) return;
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
        const { status, detail } = answer.json();
        assert.deepEqual([status, typeof detail === 'string' && detail !== ''], [answer.statusCode, true]);
      }),
      { numRuns: 500 },
    );
  });

  it('describes itself', async () => {
    const { app } = await serve();
    const { openapi, paths } = (await app.inject('/openapi.json')).json();
    assert.equal(openapi, '3.1.0');
    assert.deepEqual(Object.keys(paths).sort(), [
      '/api/v1/announcements',
      '/api/v1/announcements/live',
      '/api/v1/polls',
      '/api/v1/schedule',
      '/api/v1/schedule/pause',
      '/api/v1/schedule/resume',
      '/api/v1/schedule/trigger',
      '/api/v1/streams',
      '/api/v1/targets',
      '/api/v1/targets/add',
      '/api/v1/targets/export',
      '/api/v1/targets/import',
      '/api/v1/targets/remove',
      '/api/v1/targets/{kind}/{id}',
    ]);
  });
});
