import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkflowInfo } from '@temporalio/workflow';
import fastify from 'fastify';
import { pino } from 'pino';
import { metricsEndpoint } from '../../src/http/metrics.ts';
import { newReport } from '../../src/poll/report.ts';
import { Metrics } from '../../src/worker/metrics.ts';

describe('GET /metrics', () => {
  it('counts polls and shows the state of the last one, of the broker and of the budget', async () => {
    let state: 'ready' | 'blocked' = 'ready';
    const lines: string[] = [];
    const metrics = new Metrics({
      twitch: { lastRate: () => ({ limit: 800, remaining: 123, resetAtMs: 0 }) },
      publisher: { status: () => ({ state }) },
      temporal: () => undefined,
      logger: pino({}, { write: (line: string) => lines.push(line) }),
    });
    const app = fastify();
    await app.register(metricsEndpoint, { registry: metrics.registry });
    const ended = (change: object) =>
      metrics.sinks.polls.ended.fn({} as WorkflowInfo, { ...newReport('poll-1', 0), durationMs: 1_500, ...change });
    await ended({ requests: 7, announced: 3, live: 45, failedRequests: { server: 2 }, oldestTargetSeconds: 4 });
    await ended({
      requests: 1,
      failedBatches: 1,
      incompleteBatches: 2,
      stateLost: true,
      refused: undefined,
      problems: ['batch 0: no'],
      advice: 'watch fewer',
    });

    const read = async () => {
      const { body, headers } = await app.inject('/metrics');
      assert.match(String(headers['content-type']), /^text\/plain/);
      return (name: string) =>
        body
          .split('\n')
          .find((line) => line.startsWith(`stream_poller_${name} `))
          ?.split(' ')[1];
    };
    let metric = await read();
    const expected = {
      'polls_total{outcome="complete"}': '1',
      'polls_total{outcome="partial"}': '1',
      helix_requests_total: '8',
      'helix_failed_requests_total{kind="server"}': '2',
      announced_total: '3',
      incomplete_batches_total: '2',
      state_lost_total: '1',
      refused_targets: '0',
      poll_duration_seconds: '1.5',
      oldest_target_seconds: '4',
      interval_kept: '0',
      helix_ratelimit_remaining: '123',
      broker_ready: '1',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(metric(name), value, name);
    state = 'blocked';
    metric = await read();
    assert.equal(metric('broker_ready'), '0');
    const logged = lines.map((line) => JSON.parse(line));
    assert.deepEqual(
      logged.map(({ pollId, msg }) => `${pollId} ${msg}`),
      ['poll-1 poll ended', 'poll-1 poll ended with problems'],
    );
  });
});
