import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { cachedChecks } from '../../src/http/check.ts';
import { type Health, healthz } from '../../src/http/healthz.ts';
import { readyz } from '../../src/http/readyz.ts';
import { createHttpServer } from '../../src/http/server.ts';

function server() {
  return createHttpServer(pino({ level: 'silent' }));
}

test('errors are JSON, and one of our own tells the outside nothing', async () => {
  const app = server();
  app.get('/broken', () => {
    throw new Error('amqp://guest:secret@broker is away');
  });
  app.post('/take', () => ({}));
  const broken = await app.inject('/broken');
  assert.equal(broken.statusCode, 500);
  assert.deepEqual(broken.json(), { error: 'internal_error', message: 'the request failed; the log says why' });
  const missing = await app.inject('/missing');
  assert.deepEqual([missing.statusCode, missing.json().error], [404, 'not_found']);
  const malformed = await app.inject({
    method: 'POST',
    url: '/take',
    payload: '{',
    headers: { 'content-type': 'application/json' },
  });
  assert.deepEqual([malformed.statusCode, malformed.json().error], [400, 'bad_request']);
  const large = await app.inject({ method: 'POST', url: '/take', payload: { text: 'x'.repeat(70_000) } });
  assert.equal(large.statusCode, 413);
});

test('/healthz is 503 only when a worker has failed', async () => {
  let health: Health = { state: 'starting', workers: {} };
  const app = server();
  await app.register(healthz, { health: () => health });
  for (const state of ['starting', 'running', 'stopping'] as const) {
    health = { state, workers: { queue: 'RUNNING' } };
    const answer = await app.inject('/healthz');
    assert.deepEqual([answer.statusCode, answer.json().status, answer.json().state], [200, 'ok', state]);
  }
  health = { state: 'failed', workers: { queue: 'FAILED' } };
  const answer = await app.inject('/healthz');
  assert.deepEqual([answer.statusCode, answer.json().status], [503, 'failed']);
});

test('/readyz names what is missing, and says no while the process stops whatever the checks say', async () => {
  let broker = { ok: true, detail: 'there' };
  let stopping = false;
  const app = server();
  const checks = { broker: () => broker, store: () => ({ ok: true, detail: 'there' }) };
  await app.register(readyz, { checks: cachedChecks(checks, { maxAgeMs: 0 }), stopping: () => stopping });
  const ready = await app.inject('/readyz');
  assert.equal(ready.statusCode, 200);
  assert.equal(ready.headers['cache-control'], 'no-store');
  assert.deepEqual(ready.json(), {
    status: 'ready',
    checks: { broker: { ok: true, detail: 'there' }, store: { ok: true, detail: 'there' } },
  });
  broker = { ok: false, detail: 'no connection (RABBITMQ_URL)' };
  const notReady = await app.inject('/readyz');
  assert.equal(notReady.statusCode, 503);
  assert.deepEqual([notReady.json().status, notReady.json().checks.broker], ['not ready', broker]);
  broker = { ok: true, detail: 'there' };
  stopping = true;
  const leaving = await app.inject('/readyz');
  assert.deepEqual([leaving.statusCode, leaving.json().checks.process.detail], [503, 'stopping']);
});
