import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { startServices } from '../../sandbox/services/index.ts';
import { ask } from '../../sandbox/services/ports.ts';
import { FolderInUseError, reapStale, startProcess } from '../../sandbox/services/process.ts';
import { deleteVhosts, startRabbitmq } from '../../sandbox/services/rabbitmq.ts';
import { startRedis } from '../../sandbox/services/redis.ts';
import { startTemporal } from '../../sandbox/services/temporal.ts';
import { startTime } from '../../scripts/background.mjs';
import { processesOf } from '../support/processes.ts';
import { eventually } from '../support/services.ts';

const base = mkdtempSync(join(tmpdir(), 'stream-poller-services-'));
after(() => rmSync(base, { recursive: true }));

/** Ends a service even when its test fails half-way: left alone, it would keep this file from ending. */
function owned<T extends { kill(): Promise<void> }>(t: TestContext, service: T): T {
  t.after(() => service.kill());
  return service;
}

function isGone(pid: number): boolean {
  return startTime(pid) === '';
}

async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on('error', () => {});
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

test('redis: keeps its data over a restart when told to, loses it when told to, and leaves nothing', async (t) => {
  const redis = owned(t, await startRedis({ dir: join(base, 'redis') }));
  const read = () => withRedis(redis.url, (client) => client.get('key'));
  await withRedis(redis.url, (client) => client.set('key', 'value'));
  await redis.restart({ keepData: true });
  assert.equal(await read(), 'value');
  await redis.restart({ keepData: false });
  assert.equal(await read(), null);
  await redis.kill();
  await redis.start();
  assert.equal(await read(), null);
  const { pid } = redis;
  await redis.stop();
  assert.ok(isGone(pid));
});

test('redis: with persist, the data survives a crash and a later start in the same folder', async (t) => {
  const dir = join(base, 'redis-persist');
  const first = owned(t, await startRedis({ dir, persist: true }));
  await withRedis(first.url, (client) => client.set('key', 'value'));
  await first.stop();
  const second = owned(t, await startRedis({ dir, persist: true }));
  assert.equal(await withRedis(second.url, (client) => client.get('key')), 'value');
  await second.kill();
});

test('redis: a paused one accepts connections and answers nobody until it is resumed', async (t) => {
  const redis = owned(t, await startRedis({ dir: join(base, 'redis-paused') }));
  const port = Number(new URL(redis.url).port);
  const ping = () => ask(port, 'PING\r\n', (answer) => answer.includes('+PONG'));
  redis.pause();
  assert.equal(await Promise.race([ping(), sleep(200, 'silence')]), 'silence');
  redis.resume();
  assert.ok(await eventually(ping));
  await redis.stop();
});

test('temporal: serves its namespace, keeps its address and state over a restart, and leaves nothing', async (t) => {
  const dir = join(base, 'temporal');
  const temporal = owned(t, await startTemporal({ dir, dbFile: join(dir, 'state.db'), namespace: 'own' }));
  assert.equal((await fetch(temporal.uiUrl as string)).status, 200);
  const { address, pid } = temporal;
  await temporal.kill();
  await temporal.start();
  assert.equal(temporal.address, address);
  assert.ok(isGone(pid));
  assert.ok(existsSync(join(dir, 'state.db')));
  await temporal.stop();
  assert.deepEqual(processesOf(dir), []);
});

test('rabbitmq: a node of its own that keeps its data, takes orders, and leaves nothing', async (t) => {
  const dir = join(base, 'rabbitmq');
  const rabbitmq = owned(t, await startRabbitmq({ dir }));
  const url = await rabbitmq.addVhost('v1');
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  // At-least-once dead-lettering: the broker takes the argument for a quorum queue only with its feature flag on.
  await channel.assertQueue('q', {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-dead-letter-exchange': 'dead',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    },
  });
  channel.sendToQueue('q', Buffer.from('kept'), { persistent: true });
  await channel.waitForConfirms();

  let blocked = false;
  connection.on('blocked', () => {
    blocked = true;
  });
  await rabbitmq.setMemoryAlarm(true);
  channel.sendToQueue('q', Buffer.from('held back'), { persistent: true });
  await eventually(() => blocked);
  await rabbitmq.setMemoryAlarm(false);
  await channel.waitForConfirms();

  const closed = new Promise((resolve) => connection.on('error', () => {}).once('close', resolve));
  channel.on('error', () => {});
  await rabbitmq.closeAllConnections();
  await closed;

  await rabbitmq.stopApp();
  await assert.rejects(connect(url));
  await rabbitmq.startApp();
  await (await connect(url)).close();

  await rabbitmq.kill();
  await rabbitmq.start();
  const again = await connect(url);
  const { messageCount } = await (await again.createChannel()).checkQueue('q');
  assert.equal(messageCount, 2);
  await again.close();
  await deleteVhosts(rabbitmq.dir, ['v1', 'never-made']);
  assert.doesNotMatch(await rabbitmq.ctl('list_vhosts'), /v1/);

  await rabbitmq.stop();
  assert.deepEqual(processesOf(dir), []);
});

test('given services are used and not started', async () => {
  const env = { TEMPORAL_ADDRESS: 'there:7233', RABBITMQ_URL: 'amqp://there' };
  const services = await startServices({ dir: join(base, 'given'), env });
  assert.equal(services.temporalAddress, 'there:7233');
  assert.equal(services.rabbitmqUrl, 'amqp://there');
  assert.equal(services.temporal, undefined);
  assert.ok(services.redis);
  await services.stop();
  assert.ok(isGone(services.redis.pid));
});

test('when one service cannot start, the others are stopped', async () => {
  const dir = join(base, 'failing');
  const env = { RABBITMQ_URL: 'amqp://there' };
  // Where Redis would open its log.
  mkdirSync(join(dir, 'redis', 'redis.log'), { recursive: true });
  await assert.rejects(startServices({ dir, env }), /EISDIR/);
  assert.deepEqual(processesOf(dir), []);
});

test('a folder that a live run uses is refused', async (t) => {
  const dir = join(base, 'in-use');
  const redis = owned(t, await startRedis({ dir }));
  await assert.rejects(startRedis({ dir }), FolderInUseError);
  await redis.stop();
  await owned(t, await startRedis({ dir })).stop();
});

test('a service does not outlive a process that was killed', async () => {
  const script = join(import.meta.dirname, 'fixtures', 'start-and-wait.ts');
  const child = spawn(process.execPath, [script, join(base, 'orphan')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  assert.equal(isGone(pid), false);
  child.kill('SIGKILL');
  await eventually(() => isGone(pid), { message: 'the end of the orphan' });
});

test('what a dead run left behind is ended at the next start, and nothing else is', async (t) => {
  const dir = join(base, 'stale');
  const options = { name: 'left', dir, command: 'sleep', args: ['60'], env: process.env };
  const left = owned(t, await startProcess(options));
  const record = JSON.parse(readFileSync(join(dir, 'left.pid'), 'utf8'));

  writeFileSync(join(dir, 'left.pid'), JSON.stringify({ ...record, startedAt: 'earlier', owner: 2 ** 22 + 1 }));
  await reapStale(dir, 'left');
  assert.ok(left.running, 'another process that has the id by now must be left alone');

  writeFileSync(join(dir, 'left.pid'), JSON.stringify({ ...record, owner: 2 ** 22 + 1 }));
  await reapStale(dir, 'left');
  await left.exited;
  assert.equal(existsSync(join(dir, 'left.pid')), false);
});

test('dragonfly: a local one keeps to itself, and takes no more of the machine than it needs', async (t) => {
  const bin = join(base, 'dragonfly-bin');
  mkdirSync(bin);
  const script = `#!/bin/sh
echo "$@" > "$(dirname "$0")/arguments"
for word; do case $word in --port=*) port=\${word#*=};; --dir=*) dir=\${word#*=};; esac; done
exec redis-server --port "$port" --dir "$dir"
`;
  writeFileSync(join(bin, 'dragonfly'), script, { mode: 0o755 });
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = `${bin}:${path}`;
  const redis = owned(t, await startRedis({ dir: join(base, 'dragonfly') }));
  assert.equal(redis.kind, 'dragonfly');
  const given = readFileSync(join(bin, 'arguments'), 'utf8');
  for (const flag of [
    'version_check=false',
    'primary_port_http_enabled=false',
    'proactor_threads=2',
    'maxmemory=2gb',
  ]) {
    assert.ok(given.includes(`--${flag}`), flag);
  }
});
