import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { coreMetrics } from '../../src/temporal/coreMetrics.ts';
import { TemporalRuntime } from '../../src/temporal/runtime.ts';
import { temporal } from '../support/services.ts';

test('a port that is taken costs the metrics of the SDK, and neither it nor a failed connection stops the worker', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { address } = await temporal();
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  let taking = 5;
  const runtime = new TemporalRuntime(logger, async () => {
    const { exporter, read } = await coreMetrics();
    assert.ok('prometheus' in exporter);
    if (taking-- > 0) exporter.prometheus.bindAddress = `127.0.0.1:${port}`;
    return { exporter, read };
  });
  const nowhere = { address: '127.0.0.1:1', connectTimeout: 500 };
  try {
    await runtime.install();
    assert.equal(lines.filter((line) => /no metrics of Temporal's SDK/.test(line)).length, 1);
    assert.equal(await runtime.readMetrics(), '');

    // With it the SDK's runtime is gone; of the next one the third port is free.
    await assert.rejects(NativeConnection.connect(nowhere));
    await runtime.install();
    await runtime.install();
    const connection = await NativeConnection.connect({ address });
    assert.match(await runtime.readMetrics(), /^temporal_request_latency_seconds_count\{/m);
    await connection.close();
  } finally {
    taken.close();
  }
});
