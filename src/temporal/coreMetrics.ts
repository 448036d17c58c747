import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { MetricsExporterConfig } from '@temporalio/worker';

/** For the core to answer a scrape. It keeps its figures in memory: longer means that it never will. */
const ANSWER_MS = 1_000;

/** Metrics of the SDK's native core: how it is to be set up, and how what it exports is read. */
export interface CoreMetrics {
  exporter: MetricsExporterConfig;
  /** In Prometheus's text format; empty when it does not answer. Never rejects. */
  read: () => Promise<string>;
}

/**
 * The core serves its metrics on a port of its own and has no other way to give them out whole: one of loopback, which
 * nobody but this process is told of. Names in Prometheus's convention: `temporal_…`, seconds, `_total`.
 */
export async function coreMetrics(): Promise<CoreMetrics> {
  const address = `127.0.0.1:${await freePort()}`;
  return {
    exporter: {
      metricPrefix: 'temporal_',
      attachServiceName: false,
      prometheus: {
        bindAddress: address,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
    },
    async read() {
      try {
        const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
        return answer.ok ? await answer.text() : '';
      } catch {
        return '';
      }
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
