import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { bridgeTo } from '../../src/temporal/logBridge.ts';

function record(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const write = bridgeTo(pino({ level, base: null }, stream));
  return {
    lines,
    log: (entryLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR', message: string, meta: Record<string, unknown> = {}) =>
      write({ level: entryLevel, message, timestampNanos: 0n, meta }),
  };
}

test("Temporal's entries become structured lines with their ids, and without task tokens", () => {
  const { lines, log } = record();
  log('WARN', 'Activity failed', {
    sdkComponent: 'worker',
    workflowId: 'poll-1',
    workflowRunId: 'run-1',
    activityType: 'pollPage',
    attempt: 3,
    taskToken: 'c2VjcmV0',
    error: new Error('no connection'),
  });
  const [line] = lines as [Record<string, unknown>];
  assert.equal(line.level, 40);
  assert.match(String(line.msg), /^Activity failed, .*npm run client -- status/);
  assert.deepEqual([line.workflowId, line.runId, line.activityType, line.attempt], ['poll-1', 'run-1', 'pollPage', 3]);
  assert.equal((line.err as { message: string }).message, 'no connection');
  assert.ok(!JSON.stringify(line).includes('c2VjcmV0'));
});

test('entries below the level are not written', () => {
  const { lines, log } = record('warn');
  log('DEBUG', 'Activity started');
  assert.deepEqual(lines, []);
});

test('what every worker says at its start is for debugging', () => {
  const { lines, log } = record();
  log('INFO', 'Worker state changed', { sdkComponent: 'worker' });
  log('WARN', 'No workflows registered, not polling for workflow tasks', { sdkComponent: 'worker' });
  log('INFO', 'a line of a workflow', { sdkComponent: 'workflow' });
  assert.deepEqual(
    lines.map((line) => line.msg),
    ['a line of a workflow'],
  );
});

test('an attempt that failed is a warning from the third on: until then the next one is the remedy', () => {
  const { lines, log } = record();
  for (const attempt of [1, 2, 3]) log('WARN', 'Activity failed', { sdkComponent: 'worker', attempt });
  assert.deepEqual(
    lines.map(({ level, attempt }) => [level, attempt]),
    [[40, 3]],
  );
});

test("whatever the core says of a server that is away is one trouble, with the core's own words as the reason", () => {
  const { lines, log } = record();
  log('WARN', 'gRPC call poll_workflow_task_queue retried 5 times', { sdkComponent: 'core' });
  log('WARN', 'Network error while completing activity', { sdkComponent: 'core' });
  const [first, second] = lines as [Record<string, unknown>, Record<string, unknown>];
  assert.match(String(first.msg), /TEMPORAL_ADDRESS.*bring it back/);
  assert.equal(first.msg, second.msg);
  assert.match(String(first.reason), /^gRPC call poll_workflow_task_queue/);
});
