import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_INSTANCE } from '../../src/poll/names.ts';
import { applySchedule, triggerSchedule } from '../../src/temporal/schedule/actions.ts';
import { scheduleCommand } from '../../src/temporal/schedule/definition.ts';
import { readScheduleState } from '../../src/temporal/schedule/state.ts';
import { eventually } from '../support/services.ts';
import { freshNamespace, runClient } from './harness.ts';

test('schedule apply creates, updates and leaves alone, and keeps an operator’s pause', async () => {
  const { env, client } = await freshNamespace();
  const created = await runClient(['schedule', 'apply', '--json'], { ...env, POLL_INTERVAL_SECONDS: '3600' });
  assert.equal(created.code, 0, created.stderr);
  assert.equal(created.json.outcome, 'created');

  const again = await runClient(['schedule', 'apply'], { ...env, POLL_INTERVAL_SECONDS: '3600' });
  assert.match(
    again.stdout,
    /is as it should be: a poll every 1 h\.\nThe same with the Temporal CLI:\ntemporal schedule create /,
  );

  const paused = await runClient(['schedule', 'pause', '--note', 'Twitch maintenance'], env);
  assert.equal(paused.code, 0, paused.stderr);
  const updated = await runClient(['schedule', 'apply', '--interval', '7200'], env);
  assert.match(
    updated.stdout,
    /^Updated the schedule stream-poller: a poll every 2 h\.\nIt stays paused \(Twitch maintenance\)/,
  );

  const { spec, action, policies, state } = await client.schedule.getHandle(DEFAULT_INSTANCE).describe();
  assert.equal(spec.intervals?.[0]?.every, 7_200_000);
  assert.equal(action.workflowType, 'pollStreams');
  assert.equal(action.workflowId, 'poll-streams');
  assert.equal(action.taskQueue, 'stream-poller');
  assert.deepEqual([action.workflowExecutionTimeout, action.workflowRunTimeout], [undefined, undefined]);
  assert.deepEqual(action.args, []);
  assert.deepEqual(policies, { overlap: 'BUFFER_ONE', catchupWindow: 60_000, pauseOnFailure: false });
  assert.deepEqual([state.paused, state.note], [true, 'Twitch maintenance']);

  const resumed = await runClient(['schedule', 'resume', '--json'], env);
  assert.equal(resumed.json.paused, false);
  const deleted = await runClient(['schedule', 'delete'], env);
  assert.equal(deleted.code, 0, deleted.stderr);
  const commands = ['describe', 'delete', 'pause', 'trigger'];
  for (const missing of await Promise.all(commands.map((command) => runClient(['schedule', command], env)))) {
    assert.equal(missing.code, 1);
    assert.equal(missing.stderr, 'there is no schedule stream-poller; create it: npm run client -- schedule apply\n');
  }
});

test('an operator’s limit of remaining polls is kept, and other changes are undone', async () => {
  const { client } = await freshNamespace();
  await applySchedule(client, { intervalSeconds: 3_600 });
  const handle = client.schedule.getHandle(DEFAULT_INSTANCE);
  await handle.update((previous) => ({
    ...previous,
    // What earlier versions set: it would end a run with the events that it has claimed.
    action: { ...previous.action, workflowExecutionTimeout: '24 hours' },
    policies: { ...previous.policies, pauseOnFailure: true },
    state: { ...previous.state, remainingActions: 5 },
  }));
  assert.equal(await applySchedule(client, { intervalSeconds: 3_600 }), 'updated');
  const { action, policies, state } = await handle.describe();
  assert.equal(action.workflowExecutionTimeout, undefined);
  assert.deepEqual([policies.pauseOnFailure, state.remainingActions], [false, 5]);
  await handle.update((previous) => ({
    ...previous,
    action: { ...previous.action, workflowExecutionTimeout: '24 hours' },
  }));
  assert.equal(await applySchedule(client, { intervalSeconds: 3_600 }), 'updated', 'a timeout alone is a difference');
});

test('processes that apply the schedule at the same time agree on one', async () => {
  const { client } = await freshNamespace();
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => applySchedule(client, { intervalSeconds: 3_600 })),
  );
  assert.deepEqual(outcomes.toSorted(), ['created', 'unchanged', 'unchanged', 'unchanged', 'unchanged']);
});

test('the printed temporal command works as printed, and makes the schedule that apply would make', async () => {
  const { env: ofNamespace, client, shell } = await freshNamespace();
  const env = { ...ofNamespace, INSTANCE: 'second' };
  const { json } = await runClient(['schedule', 'apply', '--interval', '2', '--json'], env);
  await runClient(['schedule', 'delete'], env);
  await shell(json.command);

  const { workflowId: started } = await eventually(async () => {
    const { info } = await client.schedule.getHandle('second').describe();
    assert.ok(info.recentActions[0]);
    return info.recentActions[0].action.workflow;
  });
  assert.match(started, /^second-poll-streams-\d{4}-\d\d-\d\dT/);
  const { type, taskQueue } = await client.workflow.getHandle(started).describe();
  assert.deepEqual([type, taskQueue], ['pollStreams', 'second']);
  assert.equal(await applySchedule(client, { instance: 'second', intervalSeconds: 2 }), 'unchanged');
});

test('the printed command names address and namespace only where they are not the default', () => {
  const plain =
    'temporal schedule create --schedule-id stream-poller --interval 30s --overlap-policy BufferOne --catchup-window 1m ' +
    '--workflow-id poll-streams --task-queue stream-poller --type pollStreams ' +
    "--static-summary 'Poll Twitch every 30 s'";
  const settings = { intervalSeconds: 30 };
  assert.equal(scheduleCommand(settings), plain);
  assert.equal(scheduleCommand(settings, { address: 'localhost:7233', namespace: 'default' }), plain);
  assert.equal(
    scheduleCommand(settings, { address: 'temporal:7233', namespace: "it's" }),
    `${plain} --address temporal:7233 --namespace ${String.raw`'it'\''s'`}`,
  );
});

test('a trigger never starts a poll beside a running one', async () => {
  const { env, client } = await freshNamespace();
  await applySchedule(client, { intervalSeconds: 86_400 });
  const first = await triggerSchedule(client);
  assert.equal(first.state, 'started');
  const second = await runClient(['schedule', 'trigger'], env);
  assert.match(second.stdout, /^A poll runs \(poll-streams-.*\); the next one starts as soon as it ends\.\n$/);
  const third = await runClient(['schedule', 'trigger', '--json'], env);
  assert.equal(third.json.state, 'waiting');
  const { runs, waiting } = await readScheduleState(client);
  assert.deepEqual([runs.length, waiting], [1, 1]);
  assert.ok(runs[0]?.waitingSince, 'a poll that no worker takes up is seen as such');
  assert.equal((await client.workflow.count("ExecutionStatus = 'Running'")).count, 1);
});

test('an unreachable Temporal and a missing namespace are said in plain words', async () => {
  const { env } = await freshNamespace();
  const [away, stacks, missing] = await Promise.all([
    runClient(['schedule', 'describe'], { TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    runClient(['schedule', 'describe'], { TEMPORAL_ADDRESS: '127.0.0.1:1', LOG_LEVEL: 'debug' }),
    runClient(['schedule', 'apply'], { ...env, TEMPORAL_NAMESPACE: 'nowhere' }),
  ]);
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^no Temporal server answers at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\): .+\n$/);
  assert.match(stacks.stderr, /\n {4}at /);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no namespace nowhere \(TEMPORAL_NAMESPACE\)/);
});

test('wrong command lines and settings exit with a word about what is expected', async () => {
  for (const args of [
    ['nonsense'],
    ['schedule'],
    ['schedule', 'apply', '--interval', '0'],
    ['schedule', 'apply', '--x'],
  ]) {
    const { code, stderr } = await runClient(args, {});
    assert.equal(code, 2, `${args}: ${stderr}`);
  }
  const setting = await runClient(['schedule', 'apply'], { POLL_INTERVAL_SECONDS: 'often', HTTP_PORT: 'unused' });
  assert.equal(setting.code, 1);
  assert.match(setting.stderr, /POLL_INTERVAL_SECONDS: expected a whole number from 1 to 86400\n$/);
  assert.doesNotMatch(setting.stderr, /HTTP_PORT/);
  const help = await runClient(['schedule', 'apply', '--help'], {});
  assert.equal(help.code, 0);
  assert.match(
    help.stdout,
    /Usage: npm run client -- schedule apply [\s\S]*Examples:\n {2}npm run client -- schedule apply/,
  );
});
