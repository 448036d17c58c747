import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyPrefix } from '../../src/storage/keys.ts';
import { startReceiver } from '../alerts/receiver.ts';
import { openStore } from '../storage/support.ts';
import { emptyRedis, runClient } from './harness.ts';

test('alerts lists what fires, with what to do, and says when nobody judges', async (t) => {
  const { url } = await emptyRedis(9);
  const store = await openStore(url, keyPrefix('stream-poller'));
  t.after(() => store.connection.disconnect());
  const env = { DRAGONFLY_URL: url };

  const unjudged = await runClient(['alerts'], env);
  assert.equal(unjudged.code, 1);
  assert.match(unjudged.stderr, /No worker judges alerts/);

  const turn = { worker: 'one', leaseMs: 60_000, mayTake: true };
  await store.alerts.hold({ ...turn, troubles: '{}' });
  const well = await runClient(['alerts', '--json'], env);
  assert.deepEqual([well.code, well.json], [0, { judged: true, alerts: [] }]);

  const sinceMs = Date.now() - 120_000;
  const trouble = { sinceMs, detail: 'maintenance \u001b[2J', told: true };
  const troubles = {
    SchedulePaused: { ...trouble, state: 'firing' },
    TwitchFailing: { ...trouble, state: 'pending', told: false },
    // Of a version to come.
    Unheard: { ...trouble, state: 'firing' },
  };
  await store.alerts.hold({ ...turn, troubles: JSON.stringify(troubles) });
  const paused = await runClient(['alerts'], env);
  assert.equal(paused.code, 1);
  assert.match(
    paused.stdout,
    /^SchedulePaused \(warning\), since 2 min ago: .*\n {2}maintenance {1,2}\[2J\n {2}npm run client -- schedule resume\n {2}docs\/runbook.md#schedulepaused$/m,
  );
  assert.doesNotMatch(paused.stdout, /TwitchFailing|Unheard/);
});

test('alerts test sends one, and says what came back, never the address', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const env = { ALERT_WEBHOOK_URL: receiver.url };
  const taken = await runClient(['alerts', 'test'], env);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /took it: 200/);
  assert.deepEqual(receiver.of('Test'), ['firing']);

  receiver.answers.splice(0, 1, { status: 404, body: `no ${receiver.url}` });
  const refused = await runClient(['alerts', 'test'], env);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /did not take it: 404: no /);
  assert.doesNotMatch(refused.stdout + refused.stderr, /very-secret-path/);

  const unset = await runClient(['alerts', 'test'], {});
  assert.equal(unset.code, 2);
  assert.match(unset.stderr, /ALERT_WEBHOOK_URL is not set/);
});
