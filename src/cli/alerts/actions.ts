import { ALERTS, runbookOf } from '../../alerts/table.ts';
import { readTroubles } from '../../alerts/track.ts';
import { Webhook } from '../../alerts/webhook.ts';
import { ago, counted, printable } from '../../lib/words.ts';
import { EXIT, usageError } from '../errors.ts';
import type { Output } from '../output.ts';
import { settingsFor } from '../settings.ts';
import { withStore } from '../store.ts';

/** `alerts` */
export async function list(output: Output): Promise<number> {
  const { holder, troubles } = await withStore((store) => store.alerts.read());
  const kept = readTroubles(troubles);
  const alerts = ALERTS.flatMap(({ name, severity, summary, advice }) => {
    const trouble = Object.hasOwn(kept, name) ? kept[name] : undefined;
    if (trouble?.state !== 'firing') return [];
    const since = new Date(trouble.sinceMs).toISOString();
    return [{ alert: name, severity, since, summary, detail: trouble.detail, advice, runbook: runbookOf(name) }];
  });
  const now = Date.now();
  const lines = alerts.flatMap(({ alert, severity, since, summary, detail, advice, runbook }) => [
    `${alert} (${severity}), since ${ago(since, now)}: ${summary}`,
    `  ${printable(detail)}`,
    `  ${advice}`,
    `  ${runbook}`,
  ]);
  output.answer(lines.join('\n'), { judged: holder !== undefined, alerts });
  // What fired when the last worker ended may be over, or not.
  if (holder === undefined) {
    output.note('No worker judges alerts at the moment: is one running?');
    return EXIT.failed;
  }
  output.note(alerts.length === 0 ? 'Nothing fires.' : `${counted(alerts.length, 'alert')} firing`);
  return alerts.length === 0 ? EXIT.ok : EXIT.failed;
}

/** `alerts test` */
export async function test(output: Output): Promise<number> {
  const {
    ALERT_WEBHOOK_URL: url,
    ALERT_WEBHOOK_FORMAT: format,
    INSTANCE: instance,
  } = settingsFor(['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_FORMAT', 'INSTANCE']);
  if (!url) throw usageError('ALERT_WEBHOOK_URL is not set: it is the address that alerts are sent to');
  const nowMs = Date.now();
  const { ok, detail } = await new Webhook({ url, format }).post({
    instance,
    alert: 'Test',
    severity: 'warning',
    status: 'firing',
    summary: 'A test: nothing is wrong',
    detail: 'sent by the command alerts test',
    advice: 'nothing is to be done',
    runbook: 'docs/runbook.md',
    startedMs: nowMs,
  });
  output.answer(ok ? `The webhook took it: ${detail}` : `The webhook did not take it: ${detail}`, { ok, detail });
  return ok ? EXIT.ok : EXIT.failed;
}
