import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsDocument } from '../../scripts/metricsTable.ts';
import { ALERTS, runbookOf } from '../../src/alerts/table.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the runbook has a section for each alert and no other, in their order', () => {
  const runbook = read('docs/runbook.md');
  const sections = runbook.split(/^## /m).slice(1);
  assert.deepEqual(
    sections.map((section) => section.slice(0, section.indexOf('\n'))),
    ALERTS.map(({ name }) => name),
  );
  for (const section of sections) {
    for (const part of ['- Look: ', '- Do: ', '- It is over '])
      assert.ok(section.includes(part), `${part}in ${section}`);
  }
  assert.equal(runbookOf('PollStale'), 'docs/runbook.md#pollstale');
});

test('alerts go by metrics that there are', () => {
  const document = read('docs/metrics.md');
  assert.equal(document, metricsDocument(document));
  const known = new Set([...document.matchAll(/`(stream_poller_\w+)/g)].map(([, name]) => name));
  for (const { name, expr } of ALERTS) {
    for (const [used] of expr.matchAll(/stream_poller_\w+/g)) {
      const metric = used.replace(/_(bucket|count|sum)$/, '');
      assert.ok(known.has(used) || known.has(metric), `${name} goes by ${used}`);
    }
  }
});
