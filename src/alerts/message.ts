import { createHash } from 'node:crypto';
import type { Settings } from '../config/env.ts';
import { printable } from '../lib/words.ts';
import type { Severity } from './alert.ts';

/** The form in which a webhook takes alerts. */
export type WebhookFormat = Settings['ALERT_WEBHOOK_FORMAT'];

/** What is told of an alert. */
export interface Notice {
  /** The installation's name. */
  instance: string;
  alert: string;
  severity: Severity;
  status: 'firing' | 'resolved';
  summary: string;
  /** What was found. It may quote strangers: titles, errors of services, notes. */
  detail: string;
  advice: string;
  runbook: string;
  /** Unix milliseconds. */
  startedMs: number;
  endedMs?: number;
}

/** The same for all messages about one alert of one installation: by it a receiver drops what it has had already. */
export function fingerprint({ instance, alert }: Pick<Notice, 'instance' | 'alert'>): string {
  return createHash('sha256')
    .update(JSON.stringify([instance, alert]))
    .digest('hex')
    .slice(0, 16);
}

/** A notice in the form that the webhook takes. */
export function bodyOf(notice: Notice, format: WebhookFormat): unknown {
  return { json: alertmanager, discord, slack }[format](notice);
}

/** A time that never comes: the alert has not ended (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). */
const NEVER = '0001-01-01T00:00:00Z';

/**
 * As Alertmanager sends it, one alert in each message, so that what takes its webhooks takes ours
 * (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
 */
function alertmanager(notice: Notice) {
  const { instance, alert, severity, status, summary, detail, advice, runbook, startedMs, endedMs } = notice;
  const labels = { alertname: alert, job: instance, severity };
  const annotations = { summary, description: cut(printable(detail), 1_000), advice, runbook };
  const id = fingerprint(notice);
  return {
    version: '4',
    groupKey: id,
    truncatedAlerts: 0,
    status,
    receiver: 'stream-poller',
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: new Date(startedMs).toISOString(),
        endsAt: endedMs === undefined ? NEVER : new Date(endedMs).toISOString(),
        generatorURL: '',
        fingerprint: id,
      },
    ],
  };
}

const COLOURS = { critical: 0xd7263d, warning: 0xf2a900, resolved: 0x2e9e5b };

/** https://docs.discord.com/developers/resources/webhook#execute-webhook; limits: `resources/message#embed-object`. */
function discord(notice: Notice) {
  const { severity, status, startedMs, endedMs, runbook, advice, instance } = notice;
  const lines = [asDiscord(cut(printable(notice.detail), 1_000))];
  if (status === 'firing') lines.push(asDiscord(advice));
  return {
    username: 'stream-poller',
    // Nobody is called by what a stranger wrote.
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: asDiscord(cut(title(notice), 200)),
        description: lines.join('\n'),
        color: COLOURS[status === 'resolved' ? 'resolved' : severity],
        timestamp: new Date(endedMs ?? startedMs).toISOString(),
        footer: { text: `${instance} · ${runbook} · ${fingerprint(notice)}` },
      },
    ],
  };
}

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; what strangers wrote is plain text in blocks. */
function slack(notice: Notice) {
  const { status, runbook, advice, instance } = notice;
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });
  const detail = cut(printable(notice.detail), 1_000);
  return {
    // Shown in notifications, and read as mrkdwn.
    text: asSlack(`${title(notice)}: ${detail}`),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(cut(title(notice), 150)) },
      { type: 'section', text: plain(status === 'firing' ? `${detail}\n${advice}` : detail) },
      { type: 'context', elements: [plain(`${instance} · ${runbook} · ${fingerprint(notice)}`)] },
    ],
  };
}

function title({ alert, severity, status, summary }: Notice): string {
  return status === 'resolved'
    ? `Resolved: ${alert}`
    : `${severity === 'critical' ? 'Critical' : 'Warning'}: ${alert}: ${summary}`;
}

function cut(text: string, most: number): string {
  return (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed();
}

/** Markup, mentions and links become text (https://support.discord.com/hc/en-us/articles/210298617). */
function asDiscord(text: string): string {
  return text.replace(/[\\*_~`|>#<@:[\]()-]/g, '\\$&');
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping */
function asSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
