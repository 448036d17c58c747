import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../sandbox/twitch/random.ts';
import { runCampaign } from './campaign.ts';
import { KINDS } from './kinds/index.ts';
import { brokenPromises, explain } from './outcome.ts';
import { shortWaves } from './plan.ts';
import { asText } from './table.ts';

const SEED = 20_261_124;

test('nothing lost, nothing twice: every kind of fault once', { timeout: 280_000 }, async (t) => {
  const lines: string[] = [];
  const result = await runCampaign({
    seed: SEED,
    waves: shortWaves(new Random(SEED).fork('plan')),
    goLives: 0,
    goLivesPerSecond: 3,
    firstSight: 'announce',
    pauseMs: 0,
    say: (line) => lines.push(line),
  });
  const broken = brokenPromises(result);
  await result.system.stop({ keepFiles: broken.length > 0 });
  for (const line of [...lines, ...asText(result).split('\n')]) t.diagnostic(line);
  for (const streamId of broken.flatMap(({ streamIds }) => streamIds)) t.diagnostic(explain(streamId, result));
  if (broken.length > 0) t.diagnostic(`logs of workers and services: ${result.system.dir}`);

  assert.deepEqual(
    broken.map(({ what }) => what),
    [],
  );
  const struck = new Set(result.evidence.faults.map(({ kind }) => kind));
  assert.deepEqual(
    KINDS.filter((kind) => !struck.has(kind)).map(({ name }) => name),
    [],
    'every kind struck',
  );
  assert.ok(result.verdict.arrived > 200);
});
