import { createRequire } from 'node:module';
import { collectDefaultMetrics, Gauge } from 'prom-client';
import { type Instruments, PREFIX } from './instruments.ts';

const require = createRequire(import.meta.url);
const versionOf = (file: string): string => require(file).version;
/** Gauges of prom-client that are named as counters, which Prometheus's own check refuses. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);
/** What the system says where there is no limit is a number of that size. */
const NO_LIMIT_BYTES = 2 ** 60;

/** This process: what it is, what it uses, and which services it can reach. */
export function processMetrics(
  instruments: Instruments,
  ready: (service: 'temporal' | 'dragonfly') => Promise<boolean>,
): void {
  const { registry } = instruments;
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: `${PREFIX}build_info`,
    help: 'What this process runs; always 1',
    labelNames: ['version', 'node', 'temporal_sdk'],
    registers: [registry],
  }).set(
    {
      version: versionOf('../../../package.json'),
      node: process.versions.node,
      temporal_sdk: versionOf('@temporalio/worker/package.json'),
    },
    1,
  );
  instruments.gauge(
    'memory_limit_bytes',
    'What the container may use of memory; absent where there is no limit',
    () => {
      const bytes = process.constrainedMemory();
      return bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : undefined;
    },
  );
  for (const [service, name, help] of [
    ['temporal', 'temporal_ready', '1 while Temporal answers and the workers of this process poll its queues, else 0'],
    ['dragonfly', 'store_ready', '1 while the store answers, else 0'],
  ] as const) {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [registry],
      async collect() {
        this.set(Number(await ready(service)));
      },
    });
  }
}
