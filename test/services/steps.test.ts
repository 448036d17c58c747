import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSteps } from '../../sandbox/services/steps.ts';

function recorder(isTTY: boolean) {
  const output = { text: '', isTTY, write: (text: string) => (output.text += text) };
  return output;
}

const visible = (text: string) => text.replaceAll('\u001b', '␛');

test('in a log, a step is one line when it ends, and one for each thing it says', async () => {
  const output = recorder(false);
  const steps = createSteps(output);
  const result = await steps.run('Redis', async (say) => {
    say('installing');
    say('');
    return 7;
  });
  assert.equal(result, 7);
  assert.match(output.text, /^ {2}Redis: installing\n✔ Redis {2}\d+\.\d s\n$/);
});

test('a step that fails is marked, and its error is the caller’s', async () => {
  const output = recorder(false);
  await assert.rejects(
    createSteps(output).run('Redis', async () => {
      throw new Error('broken');
    }),
    /broken/,
  );
  assert.match(output.text, /^✖ Redis/);
});

test('on a terminal, running steps are redrawn in place and ended ones stay above them', async () => {
  const output = recorder(true);
  const steps = createSteps(output);
  const slow = Promise.withResolvers<void>();
  const first = steps.run('Temporal', () => slow.promise);
  await steps.run('Redis', async () => {});
  assert.match(visible(output.text), /␛\[2A␛\[J✔ Redis {2}\d+\.\d s\n {2}Temporal {2}\d+\.\d s\n$/);
  slow.resolve();
  await first;
  assert.match(visible(output.text), /␛\[1A␛\[J✔ Temporal {2}\d+\.\d s\n$/);
});
