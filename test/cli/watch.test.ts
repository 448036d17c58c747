import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rabbitmqctl } from '../../sandbox/services/rabbitmq.ts';
import { type WatchedEvent, watchEvents } from '../../src/cli/watch/watch.ts';
import { secretUrl } from '../../src/config/secret.ts';
import { type OutgoingMessage, toMessage } from '../../src/publisher/message.ts';
import { QUEUE } from '../../src/publisher/topology.ts';
import { event, isReady, openChannel, readyPublisher } from '../publisher/support.ts';
import { eventually, freshVhost, rabbitmq } from '../support/services.ts';
import { runClient, startClient } from './harness.ts';

function message(id: string): OutgoingMessage {
  const startedAt = new Date().toISOString();
  return toMessage(event(id, { userLogin: 'pixelpanda', title: 'Hello', startedAt, detectedAt: startedAt }), 'poll-1');
}

test('watch waits for the exchange, prints each event, leaves the queue its messages, and ends with 0', async (t) => {
  const url = await freshVhost();
  const [words, json] = [['watch'], ['watch', '--json']].map((args) => startClient(args, { RABBITMQ_URL: url }));
  assert.ok(words && json);
  await eventually(() => /waiting for a worker to set up the exchange twitch/.test(words.stderr));
  const { publisher } = await readyPublisher(t, url);
  await eventually(() => [words, json].every((each) => /watching stream\.online at amqp:\/\/127/.test(each.stderr)));
  await publisher.publish([message('1')]);
  await eventually(() => words.stdout && json.stdout);
  assert.match(
    words.stdout,
    /^\d\d:\d\d:\d\d {2}pixelpanda {2}started {2}game 509658 {2}"Hello" {2}https:\/\/twitch\.tv\/pixelpanda {2}.+ after start\n$/,
  );
  assert.equal(JSON.parse(json.stdout).message_id, '1');
  for (const { child } of [words, json]) child.kill('SIGINT');
  for (const { exited } of [words, json]) assert.equal(await exited, 0);

  const { messageCount } = await (await openChannel(t, url)).checkQueue(QUEUE);
  assert.equal(messageCount, 1);
  const { dir } = await rabbitmq();
  const queues = await rabbitmqctl(
    dir as string,
    'list_queues',
    '-q',
    '-p',
    decodeURIComponent(new URL(url).pathname.slice(1)),
    'name',
  );
  assert.doesNotMatch(queues, /amq\.gen/, 'its own queue ends with it');
});

test('a watcher connects again when the broker has closed its connection', async (t) => {
  const url = await freshVhost();
  const { publisher } = await readyPublisher(t, url);
  const events: WatchedEvent[] = [];
  const states: string[] = [];
  const ending = new AbortController();
  const onEvent = (event: WatchedEvent) => events.push(event);
  const onState = (words: string) => states.push(words);
  const watching = watchEvents({ url: secretUrl(url), onEvent, onState, signal: ending.signal });
  await eventually(() => states.length === 1);
  await publisher.publish([message('1')]);
  await eventually(() => events.length === 1);
  const { dir } = await rabbitmq();
  const vhost = decodeURIComponent(new URL(url).pathname.slice(1));
  await rabbitmqctl(dir as string, 'close_all_connections', '-p', vhost, 'test');
  await eventually(() => states.filter((words) => words.startsWith('watching')).length === 2);
  await isReady(publisher);
  await publisher.publish([message('2')]);
  await eventually(() => events.length === 2);
  ending.abort();
  await watching;
  assert.deepEqual(
    events.map((event) => event.message_id),
    ['1', '2'],
  );
});

test('a broker that is away or refuses is said in plain words', async () => {
  const { url } = await rabbitmq();
  const watch = (RABBITMQ_URL: string) => runClient(['watch'], { RABBITMQ_URL });
  const wrong = new URL(url);
  wrong.password = 'verysecret';
  const [away, refused, vhost, unset] = await Promise.all([
    watch('amqp://guest:hidden@127.0.0.1:1'),
    watch(wrong.href),
    watch(`${url}/nowhere`),
    watch(''),
  ]);
  assert.match(
    away.stderr,
    /^RabbitMQ does not answer at amqp:\/\/127\.0\.0\.1:1 \(RABBITMQ_URL\): .*ECONNREFUSED.*\n$/,
  );
  assert.match(refused.stderr, /correct the user name and password in RABBITMQ_URL\n$/);
  assert.match(vhost.stderr, /virtual host 'nowhere'/);
  assert.match(unset.stderr, /RABBITMQ_URL: is not set/);
  for (const each of [away, refused, vhost, unset]) {
    assert.equal(each.code, 1);
    assert.doesNotMatch(each.stderr, /hidden|verysecret/);
  }
});
