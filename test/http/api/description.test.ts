import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from '@hey-api/openapi-ts';
import { listen } from '../../../src/http/server.ts';
import { apiServers, TOKEN } from './support.ts';

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
      '/api/v1/series',
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
