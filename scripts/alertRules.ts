import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { ALERTS, HOLD_DOWN_SECONDS, runbookOf } from '../src/alerts/table.ts';

const FILE = new URL('../deploy/prometheus/alerts.yml', import.meta.url);
const HEAD = `# Alerts for Prometheus 2.42 or later. Written by npm run alert-rules from src/alerts/table: change them there.
# Each has its section in docs/runbook.md. Everything is by job: one job for each installation (prometheus.yml beside this).
`;

/** The table of alerts as a file of Prometheus rules. */
export function alertRules(): string {
  const rules = ALERTS.map(({ name, severity, summary, advice, expr, forSeconds }) => ({
    alert: name,
    expr,
    ...(forSeconds > 0 && { for: `${forSeconds}s` }),
    keep_firing_for: `${HOLD_DOWN_SECONDS}s`,
    labels: { severity },
    annotations: { summary, advice, runbook: runbookOf(name) },
  }));
  return HEAD + stringify({ groups: [{ name: 'stream-poller', interval: '15s', rules }] }, { lineWidth: 0 });
}

if (import.meta.main) writeFileSync(FILE, alertRules());
