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

test('in a log, a step that says something every second gets a line at once and then one now and then', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const output = recorder(false);
  await createSteps(output).run('Temporal', async (say) => {
    for (let second = 0; second <= 40; second++) {
      say(`${second} s`);
      t.mock.timers.tick(1_000);
    }
  });
  const lines = output.text.trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, -1), ['  Temporal: 0 s', '  Temporal: 14 s', '  Temporal: 29 s']);
});

test('on a terminal, a line that is too long is cut instead of wrapped', async () => {
  const output = { ...recorder(true), columns: 20 };
  await createSteps({ ...output, write: (text: string) => (output.text += text) }).run('Temporal', async (say) =>
    say('x'.repeat(50)),
  );
  const running = visible(output.text)
    .split('\n')
    .filter((line) => !line.includes('✔'));
  assert.ok(
    running.every((line) => line.replace(/␛\[\w+/g, '').length < 20),
    running.join('|'),
  );
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
