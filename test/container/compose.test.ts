import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv2019 } from 'ajv/dist/2019.js';
import addFormats from 'ajv-formats';
import { DYNAMIC_CONFIG, SQLITE_PRAGMAS } from '../../sandbox/services/temporal.ts';
import { readSettings, settingsSchema } from '../../src/config/env.ts';
import { STOP_MS } from '../../src/poll/limits.ts';
import { readTemporalSettings } from '../../src/temporal/connection.ts';
import { interpolate, PROJECT, readCompose, service } from './composeFile.ts';

const compose = readCompose();
const services = Object.entries(compose.services);
const text = readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8');

/** The environment that a service of ours gets, without an `.env`. */
function environmentOf(name: string): Record<string, string> {
  const entries = Object.entries(service(compose, name).environment ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, interpolate(String(value))]));
}

test('the file is valid by the Compose Specification', () => {
  const packageFile = createRequire(import.meta.url).resolve('dclint/package.json');
  const schema = JSON.parse(readFileSync(join(dirname(packageFile), 'schemas', 'compose.schema.json'), 'utf8'));
  // Its draft and its formats for ports and durations are known to Compose alone.
  delete schema.$schema;
  const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  validate(compose);
  assert.deepEqual(validate.errors ?? [], []);
});

describe('every service', () => {
  test('has an image of a fixed version, or is built here', () => {
    for (const [name, { image, build }] of services) {
      if (build) assert.deepEqual([build, image], ['.', 'stream-poller'], name);
      else assert.match(image, /:v?\d+\.\d+[\w.-]*$/, name);
    }
  });

  test('is reached from this machine alone, each on a port of its own', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports.map((port) => interpolate(port)));
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const own = ports.map((port) => port.split(':')[1]);
    assert.equal(new Set(own).size, own.length, String(own));
  });

  test('waits for what exists, in the way in which it can be waited for, and is in the same profiles', () => {
    for (const [name, { depends_on = {}, profiles = [] }] of services) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const { healthcheck, build, restart, profiles: theirs = [] } = service(compose, needed);
        if (condition === 'service_healthy') {
          assert.notEqual(healthcheck?.disable, true, `${name} waits for ${needed}`);
          // Ours has the image's own check.
          assert.ok(healthcheck?.test ?? build, `${name} waits for ${needed}`);
        } else {
          assert.equal(condition, 'service_completed_successfully', `${name} waits for ${needed}`);
          assert.equal(restart, undefined, `${needed} must end`);
        }
        assert.ok(theirs.length === 0 || profiles.some((profile) => theirs.includes(profile)), `${name}: ${needed}`);
      }
    }
  });

  test('that keeps data keeps it in a declared volume', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    assert.deepEqual(used.sort(), Object.keys(compose.volumes).sort());
    assert.ok(service(compose, 'rabbitmq').hostname, 'the data of a node belongs to its name');
  });

  test('of ours gets settings that exist, and all that it needs', () => {
    const known = new Set([...Object.keys(settingsSchema.shape), 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE']);
    for (const [name, { build, environment = {} }] of services) {
      if (build) for (const key of Object.keys(environment)) assert.ok(known.has(key), `${name}: ${key}`);
    }
    const credentials = { TWITCH_CLIENT_ID: 'id', TWITCH_CLIENT_SECRET: 'secret' };
    const settings = readSettings({ ...environmentOf('worker'), ...credentials });
    assert.deepEqual([settings.HTTP_HOST, settings.HTTP_PORT], ['0.0.0.0', 8080]);
    assert.equal(readTemporalSettings(environmentOf('worker')).address, 'temporal:7233');
    assert.equal(readSettings(environmentOf('sandbox-worker')).TARGET_USER_IDS.length, 10);
  });
});

test('addresses within the network name services of the file', () => {
  for (const [name] of services) {
    for (const value of Object.values(environmentOf(name))) {
      const host = URL.parse(value)?.hostname || /^([\w-]+):\d+$/.exec(value)?.[1];
      if (host) assert.ok(compose.services[host], `${name}: ${value}`);
    }
  }
});

test('the sandbox never sees real credentials, and shares no data with the real thing', () => {
  const real = environmentOf('worker');
  for (const [name, { profiles = [], env_file }] of services) {
    if (profiles.includes('sandbox')) assert.equal(env_file, undefined, name);
  }
  const sandbox = environmentOf('sandbox-worker');
  for (const key of ['DRAGONFLY_URL', 'RABBITMQ_URL', 'TEMPORAL_NAMESPACE']) assert.notEqual(sandbox[key], real[key]);
  const temporal = service(compose, 'temporal').command ?? [];
  assert.ok(temporal.includes(`--namespace=${sandbox.TEMPORAL_NAMESPACE}`));
  const [id, secret] = [sandbox.TWITCH_CLIENT_ID, sandbox.TWITCH_CLIENT_SECRET];
  const main = readFileSync(join(PROJECT, 'sandbox/twitch/main.ts'), 'utf8');
  assert.match(main, new RegExp(`'--client-id <id>', '[^']+', '${id}'`));
  assert.match(main, new RegExp(`'--client-secret <secret>', '[^']+', '${secret}'`));
});

test('a plain "up" starts what polls Twitch, once its settings are complete', () => {
  const plain = services.filter(([, { profiles }]) => !profiles).map(([name]) => name);
  assert.deepEqual(plain.sort(), ['check-settings', 'dragonfly', 'rabbitmq', 'schedule', 'temporal', 'worker']);
  const { depends_on = {}, env_file } = service(compose, 'worker');
  assert.equal(depends_on['check-settings']?.condition, 'service_completed_successfully');
  assert.deepEqual(env_file, [{ path: '.env', required: false }]);
  assert.deepEqual(service(compose, 'check-settings').environment, service(compose, 'worker').environment);
});

test('the worker gets the time that it takes to stop', () => {
  for (const name of ['worker', 'sandbox-worker']) {
    const given = Number.parseInt(service(compose, name).stop_grace_period ?? '', 10);
    assert.ok(given > STOP_MS / 1_000, `${name}: ${given} s, needs ${STOP_MS / 1_000} s`);
  }
});

test('Temporal is configured as the local services configure it', () => {
  const command = service(compose, 'temporal').command ?? [];
  const given = (option: string) =>
    command.flatMap((word) => (word.startsWith(`--${option}=`) ? [word.slice(option.length + 3)] : [])).sort();
  assert.deepEqual(given('dynamic-config-value'), [...DYNAMIC_CONFIG].sort());
  assert.deepEqual(given('sqlite-pragma'), [...SQLITE_PRAGMAS].sort());
});

test('Dragonfly takes snapshots under one name, and scripts stay atomic', () => {
  const command = service(compose, 'dragonfly').command ?? [];
  for (const word of ['--dir=/data', '--dbfilename=dump', '--snapshot_cron=* * * * *'])
    assert.ok(command.includes(word));
  assert.doesNotMatch(text, /default_lua_flags/);
});
