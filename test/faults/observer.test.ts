import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { type Observer, startFaultProxy } from '../../sandbox/faultProxy.ts';
import { serve } from '../support/serve.ts';
import { Staged } from './ledger/staged.ts';

/** A client of an echo server behind a proxy with an observer. */
async function echoBehind(t: { after(fn: () => unknown): void }, observer: Observer) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: await serve(server) } });
  const stop = proxy.observe(observer);
  const client = connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  t.after(async () => {
    client.destroy();
    await proxy.close();
  });
  await once(client, 'connect');
  return { client, stop };
}

test('an observer sees both directions, and holds what it wants', async (t) => {
  const seen: string[] = [];
  const held = Promise.withResolvers<'pass'>();
  const { client, stop } = await echoBehind(t, (direction, chunk) => {
    seen.push(`${direction} ${chunk}`);
    return direction === 'toClient' ? held.promise : undefined;
  });
  const answer = once(client, 'data');
  client.write('one');
  const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'nothing'))]);
  assert.equal(first, 'nothing');
  held.resolve('pass');
  assert.equal(String((await answer)[0]), 'one');
  assert.deepEqual(seen, ['toServer one', 'toClient one']);
  stop();
  client.write('two');
  assert.equal(String((await once(client, 'data'))[0]), 'two');
  assert.equal(seen.length, 2);
});

test('what an observer drops does not arrive, and the connection is reset', async (t) => {
  const passed: string[] = [];
  const { client } = await echoBehind(t, (direction, chunk) => {
    if (direction === 'toServer' && chunk.includes('secret')) return Promise.resolve('drop');
    passed.push(`${direction} ${chunk}`);
    return undefined;
  });
  client.write('secret');
  await new Promise((resolve) => client.once('close', resolve));
  assert.deepEqual(passed, []);
});

test('pages are read from the bytes to the store, however they are cut', () => {
  const key = '{stream-poller}:page:poll-streams-2026-01-01T12:00:00Z:01234567:0:1';
  const word = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
  const set = (ids: string[]) =>
    Buffer.from(`*3\r\n${word('set')}${word(key)}${word(JSON.stringify(ids.map((id) => ({ id, title: '✓' }))))}`);
  const bytes = Buffer.concat([Buffer.from(`*1\r\n${word('ping')}`), set(['s1']), set(['s2', 's3'])]);
  for (const size of [1, 7, bytes.length]) {
    const staged = new Staged();
    const connection = {};
    for (let at = 0; at < bytes.length; at += size) staged.feed(connection, bytes.subarray(at, at + size));
    const pollId = 'poll-streams-2026-01-01T12:00:00Z:01234567';
    assert.deepEqual(
      [...staged.readBy()],
      [
        ['s2', new Set([pollId])],
        ['s3', new Set([pollId])],
      ],
    );
    staged.forgetNewest();
    assert.equal(staged.readBy().size, 0);
  }
});
