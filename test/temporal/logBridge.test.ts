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
  let nowMs = 0;
  const write = bridgeTo(pino({ level, base: null }, stream), () => nowMs);
  return {
    lines,
    pass: (ms: number) => {
      nowMs += ms;
    },
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
  assert.equal(line.msg, 'Activity failed');
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

test("the core's repeats are counted, and told with the next entry after half a minute", () => {
  const { lines, log, pass } = record();
  for (let i = 1; i <= 5; i++) log('WARN', `gRPC call retried ${i} times`, { sdkComponent: 'core' });
  assert.equal(lines.length, 1);
  pass(30_000);
  log('WARN', 'gRPC call retried 6 times', { sdkComponent: 'core' });
  assert.equal(lines.length, 2);
  assert.equal(lines[1]?.repeated, 4);
});

test('repeats of anything but the core are all written', () => {
  const { lines, log } = record();
  log('WARN', 'Activity failed', { sdkComponent: 'worker' });
  log('WARN', 'Activity failed', { sdkComponent: 'worker' });
  assert.equal(lines.length, 2);
});
