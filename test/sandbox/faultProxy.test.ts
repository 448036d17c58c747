import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import { eventually } from '../support/services.ts';

describe('fault proxy', () => {
  const serverSockets = new Set<Socket>();
  const echo = createServer((socket) => {
    serverSockets.add(socket);
    socket.on('close', () => serverSockets.delete(socket));
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  const clients: Socket[] = [];
  let proxy: FaultProxy;

  beforeEach(async () => {
    if (!echo.listening) await once(echo.listen(0, '127.0.0.1'), 'listening');
    const { port } = echo.address() as AddressInfo;
    proxy = await startFaultProxy({ target: { host: '127.0.0.1', port } });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    await eventually(() => assert.equal(serverSockets.size, 0));
    echo.close();
  });

  /** A client, what it has received, and how its connection ended (`undefined` while it has not). */
  const open = async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    const seen: { text: string; end: string | undefined } = { text: '', end: undefined };
    socket.on('data', (data) => {
      seen.text += data.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.end = error.code;
    });
    socket.on('end', () => {
      seen.end = 'end';
    });
    await once(socket, 'connect');
    return { socket, seen };
  };

  const talk = async ({ socket, seen }: Awaited<ReturnType<typeof open>>, text = 'hello') => {
    const before = seen.text;
    socket.write(text);
    await eventually(() => assert.equal(seen.text, before + text));
  };

  test('without a fault it carries bytes and ends both ways', async () => {
    const client = await open();
    await talk(client);
    assert.equal(proxy.connections(), 1);
    client.socket.end();
    await eventually(() => assert.equal(client.seen.end, 'end'));
    await eventually(() => assert.equal(proxy.connections(), 0));
    assert.equal(proxy.url('amqp://user:pw@broker:5672/v'), `amqp://user:pw@127.0.0.1:${proxy.port}/v`);
    assert.equal(proxy.url('http://twitch/helix?a=1'), `http://127.0.0.1:${proxy.port}/helix?a=1`);
  });

  test('latency delays each way and keeps the order, also when it changes', async () => {
    const client = await open();
    proxy.setLatency(60);
    const started = performance.now();
    await talk(client, 'slow');
    assert.ok(performance.now() - started >= 115);
    client.socket.write('a');
    await sleep(20);
    proxy.setLatency(0);
    client.socket.write('b');
    await eventually(() => assert.equal(client.seen.text, 'slowab'));
  });

  test('reset resets what is open, and new connections are served', async () => {
    const client = await open();
    await talk(client);
    proxy.reset();
    await eventually(() => assert.equal(client.seen.end, 'ECONNRESET'));
    await talk(await open());
  });

  test('a black hole swallows old and new connections; those made later are served', async () => {
    const old = await open();
    await talk(old);
    proxy.blackHole(true);
    const young = await open();
    for (const { socket } of [old, young]) socket.write('lost');
    await sleep(50);
    proxy.blackHole(false);
    old.socket.write('too late');
    await sleep(50);
    assert.deepEqual(
      [old.seen, young.seen],
      [
        { text: 'hello', end: undefined },
        { text: '', end: undefined },
      ],
    );
    await talk(await open());
  });

  test('half open: the server loses the connection, the client is not told', async () => {
    const client = await open();
    await talk(client);
    proxy.halfOpen();
    await eventually(() => assert.equal(serverSockets.size, 0));
    client.socket.write('into the void');
    await sleep(50);
    assert.deepEqual(client.seen, { text: 'hello', end: undefined });
  });

  test('a cut comes after exactly so many bytes, in one direction, once', async () => {
    const client = await open();
    proxy.cutAfter(7, 'toClient');
    client.socket.write('hello');
    await eventually(() => assert.equal(client.seen.text, 'hello'));
    client.socket.write('hello');
    await eventually(() => assert.equal(client.seen.end, 'ECONNRESET'));
    assert.ok('hellohe'.startsWith(client.seen.text));
    await talk(await open(), 'more than seven bytes');
  });

  test('refused connections are refused, those that exist go on, and restore ends every fault', async () => {
    const client = await open();
    await talk(client);
    await proxy.refuse(true);
    await assert.rejects(open(), { code: 'ECONNREFUSED' });
    await talk(client);
    proxy.setLatency(10_000);
    proxy.cutAfter(1, 'toServer');
    await proxy.restore();
    await talk(await open());
  });
});
