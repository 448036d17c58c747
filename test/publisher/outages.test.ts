import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalRabbitmq, startRabbitmq } from '../../sandbox/services/rabbitmq.ts';
import { EXCHANGE, QUEUE } from '../../src/publisher/topology.ts';
import { eventually, randomPrefix } from '../support/services.ts';
import { drainIds, ids, isReady, messages, openChannel, readyPublisher, startPublisher } from './support.ts';

describe('publisher: a broker that goes away, blocks or refuses', () => {
  // A node of its own: an alarm or a stop is felt by everyone who shares one.
  let node: LocalRabbitmq;
  let dir: string;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stream-poller-test-'));
    node = await startRabbitmq({ dir });
  });
  after(async () => {
    await node?.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  const vhost = async () => {
    const name = randomPrefix();
    return { name, url: await node.addVhost(name) };
  };

  /** A user who may do in a virtual host what two patterns say: declare, and write. */
  const limitedUser = async (vhostName: string, url: string, declare: string, write: string) => {
    const user = randomPrefix();
    const allow = (...patterns: string[]) => node.ctl('set_permissions', '-p', vhostName, user, ...patterns, '.*');
    await node.ctl('add_user', user, 'secret-of-this-test');
    await allow(declare, write);
    const limited = new URL(url);
    limited.username = user;
    limited.password = 'secret-of-this-test';
    return { limitedUrl: limited.href, allowAll: () => allow('.*', '.*') };
  };

  test('connections closed, broker stopped and started, closed again: one by one, no message is lost', async (t) => {
    const { url } = await vhost();
    const { publisher, log } = await readyPublisher(t, url);
    const faults = (async () => {
      await node.closeAllConnections();
      await node.stopApp();
      await node.startApp();
      await isReady(publisher);
      await node.closeAllConnections();
    })();
    let faultsAreOver = false;
    void faults.finally(() => {
      faultsAreOver = true;
    });
    const sent: string[] = [];
    for (let i = 0; i < 300 || !faultsAreOver; i++) {
      const all = messages(1, `${i}-`);
      await eventually(
        async () => {
          assert.equal((await publisher.publish(all)).confirmed.length, 1);
        },
        { timeoutMs: 30_000 },
      );
      sent.push(...ids(all));
      await sleep(5);
    }
    await faults;
    const received = await drainIds(t, url);
    assert.deepEqual([...new Set(received)], sent);
    const connections = () => log.filter((line) => line.includes('connected to RabbitMQ')).length;
    await eventually(() => assert.equal(connections(), 4));
    // One that was stored while its confirm was lost comes twice: at most one for each fault.
    assert.ok(received.length <= sent.length + 3, `${received.length} received, ${sent.length} sent`);
  });

  test('the broker is killed and started: messages are kept, and the publisher is back within seconds', async (t) => {
    const { url } = await vhost();
    const { publisher } = await readyPublisher(t, url);
    assert.equal((await publisher.publish(messages(100, 'before'))).confirmed.length, 100);
    // RabbitMQ 3.10 forgets the leader of a queue that is younger than about a second when it is killed.
    await sleep(1_500);
    await node.kill();
    await eventually(() => assert.notEqual(publisher.status().state, 'ready'));
    assert.equal((await publisher.publish(messages(1))).failed[0]?.reason, 'unavailable');
    await node.start();
    await isReady(publisher, 4_000);
    assert.equal((await publisher.publish(messages(100, 'after'))).confirmed.length, 100);
    const received = await drainIds(t, url);
    assert.deepEqual(received.sort(), [...ids(messages(100, 'before')), ...ids(messages(100, 'after'))].sort());
  });

  test('memory alarm: told as blocked, given back in time, and afterwards each message is there once', async (t) => {
    const { url } = await vhost();
    const options = { confirmTimeoutMs: 500, blockedWaitMs: 1_500 };
    const { publisher } = await readyPublisher(t, url, options);
    await node.setMemoryAlarm(true);
    const all = messages(20);
    try {
      const { failed } = await publisher.publish(all);
      assert.equal(failed.length, 20);
      assert.ok(failed.every(({ reason }) => reason === 'blocked'));
      assert.equal(publisher.status().state, 'blocked');
      assert.match(String(publisher.status().detail), /memory/);
      assert.ok((await publisher.publish(all)).failed.every(({ reason }) => reason === 'blocked'));
    } finally {
      await node.setMemoryAlarm(false);
    }
    await isReady(publisher);
    assert.equal((await publisher.publish(all)).confirmed.length, 20);
    const received = await drainIds(t, url);
    assert.deepEqual(received.sort(), ids(all).sort());
  });

  test('close settles during a memory alarm', async (t) => {
    const { url } = await vhost();
    const { publisher } = await readyPublisher(t, url);
    await node.setMemoryAlarm(true);
    try {
      const publishing = publisher.publish(messages(3));
      await eventually(() => assert.equal(publisher.status().state, 'blocked'));
      const started = performance.now();
      await publisher.close();
      assert.ok(performance.now() - started < 5_000);
      assert.ok((await publishing).failed.every(({ reason }) => reason === 'closed'));
    } finally {
      await node.setMemoryAlarm(false);
    }
  });

  test('a wrong password, then a missing virtual host: told in words, without the password', async (t) => {
    const { url } = await vhost();
    const wrong = new URL(url);
    wrong.password = 'hunter2-hunter2';
    const refused = startPublisher(t, wrong.href);
    await eventually(() => assert.equal(refused.publisher.status().state, 'misconfigured'));
    assert.match(String(refused.publisher.status().detail), /refused the login.*correct the user name and password/);
    const { failed } = await refused.publisher.publish(messages(1));
    assert.equal(failed[0]?.reason, 'misconfigured');
    assert.doesNotMatch(JSON.stringify([refused.log, refused.publisher.status(), failed]), /hunter2/);

    const name = randomPrefix();
    const missing = new URL(url);
    missing.pathname = `/${name}`;
    const { publisher } = startPublisher(t, missing.href);
    await eventually(() => assert.equal(publisher.status().state, 'misconfigured'));
    assert.match(String(publisher.status().detail), new RegExp(`virtual host '${name}': create it`));
    await node.addVhost(name);
    await isReady(publisher, 6_000);
    assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']);
  });

  test('a user who may not declare is told so, and can publish with RABBITMQ_TOPOLOGY=check', async (t) => {
    const { name, url } = await vhost();
    const { limitedUrl, allowAll } = await limitedUser(name, url, '^$', '.*');
    const { publisher } = startPublisher(t, limitedUrl);
    await eventually(() => assert.equal(publisher.status().state, 'misconfigured'));
    assert.match(String(publisher.status().detail), /ACCESS_REFUSED.*RABBITMQ_TOPOLOGY=check/);

    await readyPublisher(t, url);
    const check = await readyPublisher(t, limitedUrl, { topology: 'check' });
    assert.deepEqual((await check.publisher.publish(messages(1))).confirmed, ['s0']);

    await allowAll();
    await isReady(publisher, 6_000);
  });

  test('a user who may not write: misconfigured until the permission is there', async (t) => {
    const { name, url } = await vhost();
    const channel = await openChannel(t, url);
    await channel.assertExchange(EXCHANGE, 'topic');
    await channel.assertQueue(QUEUE);
    await channel.bindQueue(QUEUE, EXCHANGE, 'stream.online');
    const { limitedUrl, allowAll } = await limitedUser(name, url, '.*', '^$');
    const { publisher } = await readyPublisher(t, limitedUrl, { topology: 'check' });
    const { failed } = await publisher.publish(messages(1_000));
    assert.equal(failed.length, 1_000);
    assert.ok(failed.every(({ reason }) => reason === 'misconfigured'));
    assert.match(String(failed[0]?.message), /ACCESS_REFUSED/);
    await eventually(() => assert.equal(publisher.status().state, 'misconfigured'));
    await allowAll();
    // The broker remembers for a while what a channel may do.
    await eventually(async () => assert.deepEqual((await publisher.publish(messages(1))).confirmed, ['s0']));
    assert.equal(publisher.status().state, 'ready');
  });
});
