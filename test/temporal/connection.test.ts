import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SettingsError } from '../../src/config/env.ts';
import { connectClient, readTemporalSettings, TemporalUnavailableError } from '../../src/temporal/connection.ts';
import { temporaryFolder } from '../support/program.ts';
import { temporal } from '../support/services.ts';

const noFile = { TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };

test('without any setting it is the local server and its default namespace', () => {
  const { address, namespace } = readTemporalSettings({ ...noFile, TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: ' ' });
  assert.deepEqual([address, namespace], ['localhost:7233', 'default']);
});

test('the namespace is passed on, and an API key turns TLS on', () => {
  const settings = readTemporalSettings({ ...noFile, TEMPORAL_NAMESPACE: 'streams.x1', TEMPORAL_API_KEY: 'key' });
  assert.equal(settings.namespace, 'streams.x1');
  assert.deepEqual(settings.connectionOptions, { address: 'localhost:7233', apiKey: 'key', tls: true });
});

test('a profile of temporal.toml is read, and a file without any is no mistake', () => {
  const file = join(temporaryFolder(), 'temporal.toml');
  writeFileSync(file, '[profile.prod]\naddress = "temporal.example:7233"\nnamespace = "prod"\n');
  const settings = readTemporalSettings({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' });
  assert.deepEqual([settings.address, settings.namespace], ['temporal.example:7233', 'prod']);
  writeFileSync(file, '');
  assert.equal(readTemporalSettings({ TEMPORAL_CONFIG_FILE: file }).address, 'localhost:7233');
});

test('what is wrong is told with the name of its variable', () => {
  const problem = (env: NodeJS.ProcessEnv) => {
    try {
      readTemporalSettings({ ...noFile, ...env });
    } catch (error) {
      assert.ok(error instanceof SettingsError);
      return error.problems[0] ?? '';
    }
    return '';
  };
  assert.match(problem({ TEMPORAL_ADDRESS: 'https://x.example:7233' }), /^TEMPORAL_ADDRESS: expected host:port/);
  assert.match(
    problem({ TEMPORAL_TLS_CLIENT_KEY_PATH: '/nonexistent/key.pem' }),
    /^TEMPORAL_TLS_CLIENT_KEY_PATH: ENOENT/,
  );
  assert.match(
    problem({ TEMPORAL_PROFILE: 'prod' }),
    /^TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE: Profile 'prod' not found/,
  );
});

test('a client waits a bounded time for a server, and names the setting', async () => {
  const since = performance.now();
  await assert.rejects(
    connectClient(readTemporalSettings({ ...noFile, TEMPORAL_ADDRESS: '127.0.0.1:1' }), 500),
    (error) => error instanceof TemporalUnavailableError && /127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\)/.test(error.message),
  );
  assert.ok(performance.now() - since < 3_000);
});

test('a namespace that does not exist is told with the command that creates it', async () => {
  const { address } = await temporal();
  const settings = readTemporalSettings({ ...noFile, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'nowhere' });
  await assert.rejects(
    connectClient(settings),
    /no namespace nowhere \(TEMPORAL_NAMESPACE\); create it: temporal operator namespace create --namespace nowhere/,
  );
});
