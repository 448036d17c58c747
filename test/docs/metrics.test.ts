import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsDocument } from '../../scripts/metricsTable.ts';

test('docs/metrics.md has every metric (npm run metrics-table writes the tables)', () => {
  const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  assert.equal(document, metricsDocument(document));
  for (const name of ['helix_requests_total', 'last_poll_timestamp_seconds']) {
    assert.match(document, new RegExp(`^\\| \`stream_poller_${name}`, 'm'));
  }
});
