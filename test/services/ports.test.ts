import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ask, freePort, isFree, PortTakenError, withFreePorts } from '../../sandbox/services/ports.ts';

test('free ports differ, are free, and lie below the range of outgoing connections', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  assert.equal(new Set(ports).size, 50);
  for (const port of ports) assert.ok(port >= 10_000 && port < 32_768, `${port} lies in the range`);
  assert.ok(await isFree(ports[0] as number));
});

test('a port that somebody listens on is not free', async (t) => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  assert.equal(await isFree(port), false);
});

test('a start whose port was taken in the meantime is repeated with other ports, three times at most', async () => {
  const tried: number[] = [];
  const port = await withFreePorts(2, async ([first, second]) => {
    assert.notEqual(first, second);
    tried.push(first as number);
    if (tried.length === 1) throw new PortTakenError('taken');
    return first;
  });
  assert.equal(tried.length, 2);
  assert.equal(port, tried[1]);
  assert.equal(new Set(tried).size, 2);

  let starts = 0;
  const alwaysTaken = withFreePorts(1, async () => {
    starts++;
    throw new PortTakenError('taken');
  });
  await assert.rejects(alwaysTaken, PortTakenError);
  assert.equal(starts, 3);
});

test('a start that fails for another reason is not repeated', async () => {
  let starts = 0;
  const failing = withFreePorts(1, async () => {
    starts++;
    throw new Error('broken');
  });
  await assert.rejects(failing, /broken/);
  assert.equal(starts, 1);
});

test('a question has one limit, also when bytes that are no answer keep coming', async (t) => {
  const server = createServer((socket) => {
    const timer = setInterval(() => socket.write('.'), 20);
    socket.on('error', () => {}).on('close', () => clearInterval(timer));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  const started = performance.now();
  assert.equal(await ask(port, 'PING\r\n', (answer) => answer.includes('+PONG'), 300), false);
  assert.ok(performance.now() - started < 2_000);
});
