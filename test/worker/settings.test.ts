import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { serve } from '../support/serve.ts';
import { WorkerProcess } from './harness.ts';

const SETTINGS = {
  TWITCH_CLIENT_ID: 'client',
  TWITCH_CLIENT_SECRET: 'very-secret',
  DRAGONFLY_URL: 'redis://127.0.0.1:1',
  RABBITMQ_URL: 'amqp://guest:very-secret@127.0.0.1:1',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
};

test('wrong settings end the worker with exit code 1 and every problem, Temporal included, without a stack', async () => {
  const worker = new WorkerProcess({
    TWITCH_CLIENT_ID: 'client',
    DRAGONFLY_URL: 'localhost',
    RABBITMQ_URL: SETTINGS.RABBITMQ_URL,
    POLL_INTERVAL_SECONDS: '0',
    TEMPORAL_ADDRESS: 'http://localhost:7233',
  });
  assert.equal(await worker.exited, 1);
  for (const name of ['TWITCH_CLIENT_SECRET', 'DRAGONFLY_URL', 'POLL_INTERVAL_SECONDS', 'TEMPORAL_ADDRESS']) {
    assert.match(worker.stderr, new RegExp(`^  ${name}: `, 'm'));
  }
  assert.doesNotMatch(worker.output, /RABBITMQ_URL|very-secret|^ +at /m);
});

test('a taken port ends the worker with exit code 1 and the name of the setting', async () => {
  const port = await serve(createServer());
  const worker = new WorkerProcess({ ...SETTINGS, HTTP_PORT: String(port) });
  assert.equal(await worker.exited, 1);
  assert.match(worker.output, new RegExp(`HTTP_PORT: port ${port} on 127.0.0.1 is in use`));
});

test('the API says what is missing, and its token is in no log', async (t) => {
  const worker = new WorkerProcess({ ...SETTINGS, ADMIN_TOKEN: 'sixteen-letters-token' });
  t.after(() => worker.end());
  const { status, body } = await worker.probe('/api/v1/targets');
  assert.equal(status, 503);
  assert.match(String(body.detail), /^the store does not answer at .* \(DRAGONFLY_URL\)/);
  assert.match(String((await worker.probe('/api/v1/schedule')).body.detail), /TEMPORAL_ADDRESS/);
  assert.doesNotMatch(worker.output, /sixteen-letters-token/);
});

test('SIGTERM ends a worker that still waits for its services, in order and at once', async (t) => {
  const worker = new WorkerProcess(SETTINGS);
  t.after(() => worker.end());
  await worker.notReady(/TEMPORAL_ADDRESS/);
  const since = performance.now();
  worker.child.kill('SIGTERM');
  assert.equal(await worker.exited, 0);
  assert.ok(performance.now() - since < 5_000);
});
