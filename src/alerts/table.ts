import type { Alert } from './alert.ts';
import { pollAlerts } from './table/polls.ts';
import { serviceAlerts } from './table/services.ts';
import { workerAlerts } from './table/workers.ts';

/** Every alert there is. `deploy/prometheus/alerts.yml` is written from it, and `docs/runbook.md` has a section for each. */
export const ALERTS: readonly Alert[] = [...pollAlerts, ...serviceAlerts, ...workerAlerts];

/** Where an alert is explained. */
export function runbookOf(name: string): string {
  return `docs/runbook.md#${name.toLowerCase()}`;
}

/**
 * An alert ends only when its condition has been gone for so long, in Prometheus and here: what comes and goes is one alert.
 */
export const HOLD_DOWN_SECONDS = 30;
