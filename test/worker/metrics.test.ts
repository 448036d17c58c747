import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newReport } from '../../src/poll/report.ts';
import { Metrics, type MetricsSources } from '../../src/worker/metrics/index.ts';

const away = () => Promise.reject(new Error('away'));

/** Sources with everything away, as far as a test does not say otherwise. */
function sourcesWith(change: Partial<Record<keyof MetricsSources, unknown>> = {}): MetricsSources {
  return {
    settings: { intervalSeconds: 30, requestsPerMinute: 780 },
    twitch: { lastRate: () => undefined, paceMs: 0, tokenStatus: () => ({ state: 'none' }) },
    publisher: { status: () => ({ state: 'connecting' }), inFlight: 0 },
    store: {
      polls: { reports: away },
      targets: { count: away, countHot: away, refused: { count: away } },
      streams: { countLive: away },
    },
    observed: away,
    core: async () => '',
    ready: async () => false,
    ...change,
  } as unknown as MetricsSources;
}

async function scrape(metrics: Metrics): Promise<(name: string) => string | undefined> {
  const lines = (await metrics.metrics()).split('\n');
  return (name) => lines.find((line) => line.startsWith(`stream_poller_${name} `))?.split(' ')[1];
}

describe('metrics', () => {
  it('count what polls report', async () => {
    const metrics = new Metrics(sourcesWith);
    const report = newReport('poll-1', 0);
    metrics.polls.onReport({ ...report, durationMs: 1_500, ended: 3, silent: 2, failedRequests: { server: 2 } });
    metrics.polls.onReport({ ...report, failedBatches: 1, incompleteBatches: 2, stateLost: true, silent: 4 });
    metrics.polls.onReport({ ...report, durationMs: Number.NaN });
    metrics.polls.onPage(17);
    const metric = await scrape(metrics);
    const expected = {
      'polls_total{outcome="complete"}': '2',
      'polls_total{outcome="partial"}': '1',
      'polls_total{outcome="timed_out"}': '0',
      'helix_failed_requests_total{kind="server"}': '2',
      streams_ended_total: '3',
      streams_seen_total: '17',
      'streams_suppressed_total{reason="first_sight"}': '2',
      'streams_suppressed_total{reason="state_lost"}': '4',
      incomplete_batches_total: '2',
      state_lost_total: '1',
      'poll_duration_seconds_bucket{le="2"}': '2',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(metric(name), value, name);
  });
});
