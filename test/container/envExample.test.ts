import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { readSettings, settingsSchema } from '../../src/config/env.ts';
import { readTemporalSettings } from '../../src/temporal/connection.ts';
import { PROJECT } from './composeFile.ts';

const text = readFileSync(join(PROJECT, '.env.example'), 'utf8');
/** With every default made explicit. */
const uncommented = text.replace(/^#(?=[A-Z_]+=)/gm, '');
const credentials = { TWITCH_CLIENT_ID: 'id', TWITCH_CLIENT_SECRET: 'secret' };

test('.env.example names every setting, and nothing else', () => {
  const names = [...uncommented.matchAll(/^(\w+)=/gm)].map(([, name]) => name as string);
  const known = [...Object.keys(settingsSchema.shape), 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];
  assert.deepEqual(names.toSorted(), known.toSorted());
});

test('.env.example explains every setting in the words of the schema', () => {
  const lines = uncommented.split('\n');
  for (const [name, schema] of Object.entries(settingsSchema.shape)) {
    const at = lines.findIndex((line) => line.startsWith(`${name}=`));
    const explanation = (lines[at - 1] ?? '').replace('# ', '').toLowerCase();
    const words = (schema.description ?? '').toLowerCase().split(/ \(|[,;] /, 1)[0] as string;
    assert.ok(words && explanation.includes(words), `${name}: "${explanation}" does not say "${words}"`);
  }
});

test('.env.example, copied as it is, lacks the credentials and the services alone', () => {
  assert.throws(
    () => readSettings(parseEnv(text)),
    ({ problems }: { problems: string[] }) => {
      const missing = problems.map((problem) => problem.replace(/: is not set.*/, ''));
      assert.deepEqual(missing, ['TWITCH_CLIENT_ID', 'TWITCH_CLIENT_SECRET', 'DRAGONFLY_URL', 'RABBITMQ_URL']);
      return true;
    },
  );
});

test('.env.example shows the real defaults', () => {
  const shown = { ...parseEnv(uncommented), ...credentials };
  const { DRAGONFLY_URL, RABBITMQ_URL } = shown as Record<string, string>;
  const plain = (settings: object) => JSON.parse(JSON.stringify(settings));
  assert.deepEqual(plain(readSettings(shown)), plain(readSettings({ ...credentials, DRAGONFLY_URL, RABBITMQ_URL })));
  const { address, namespace } = readTemporalSettings(shown);
  const defaults = readTemporalSettings({ TEMPORAL_CONFIG_FILE: '/dev/null' });
  assert.deepEqual([address, namespace], [defaults.address, defaults.namespace]);
});
