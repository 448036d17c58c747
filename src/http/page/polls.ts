import { html } from 'ghtml';
import { type Markup, moment, table } from './layout.ts';

/** Of a report, which another version may have written. */
interface Report {
  pollId?: string;
  startedAt?: string;
  durationMs?: number;
  targets?: number;
  requests?: number;
  live?: number;
  announced?: number;
  handedOver?: number;
  failedBatches?: number;
  problems?: string[];
  advice?: string;
}

export interface PollsView {
  paused: boolean | undefined;
  note: string;
  /** How often what is polled. */
  frequency: string;
  reports: unknown[];
  /** Where Temporal's Web UI shows the workflows of the namespace, without a slash at its end. */
  workflowsUrl?: string | undefined;
  signedIn: boolean;
}

/** The schedule, and what the latest polls have reported. */
export function pollsBody({ paused, note, frequency, reports, workflowsUrl, signedIn }: PollsView): Markup {
  const state =
    paused === undefined
      ? '<p>The schedule can not be read now.</p>'
      : paused
        ? html`<p><strong>Polls are paused</strong>!${note && html`: <bdi>${note}</bdi>`}.</p>`
        : '<p>Polls run by their schedule.</p>';
  const actions = paused ? ['resume', 'trigger'] : ['pause', 'trigger'];
  const names = { resume: 'Resume', pause: 'Pause', trigger: 'Poll now' } as Record<string, string>;
  const forms = actions
    .map((action) => html`<form method="post" action="/schedule/${action}"><button>${names[action]}</button></form>`)
    .join('');
  const rows = (reports as Report[]).map((report) => {
    const { pollId = '', startedAt, durationMs = 0, failedBatches = 0, handedOver = 0, problems = [], advice } = report;
    const workflow = pollId.slice(0, pollId.lastIndexOf(':')).toWellFormed();
    const troubles = [
      ...(failedBatches > 0 ? [`${failedBatches} batches not polled`] : []),
      ...(handedOver > 0 ? [`${handedOver} events wait for the broker`] : []),
      ...problems,
      ...(advice ? [advice] : []),
    ];
    return [
      startedAt ? moment(startedAt) : '',
      `${(durationMs / 1_000).toFixed(1)} s`,
      ...[report.targets, report.requests, report.live, report.announced].map((count) => html`${count ?? ''}`),
      troubles.length > 0 ? html`<ul>!${troubles.map((each) => html`<li>${each}</li>`).join('')}</ul>` : 'none',
      workflowsUrl
        ? html`<a href="${workflowsUrl}/${encodeURIComponent(workflow)}" rel="noreferrer">steps</a>`
        : html`${workflow}`,
    ];
  });
  const heads = ['Began', 'Took', 'Targets', 'Requests', 'Live', 'Announced', 'Trouble', 'Workflow'];
  return html`
<section aria-label="Schedule">!${state}!${reports.length > 0 ? html`<p>${frequency}</p>` : ''}!${signedIn ? `<div class="actions">${forms}</div>` : ''}</section>
<section aria-label="Reports">!${rows.length > 0 ? table('The latest polls', heads, rows) : '<p>No poll has ended yet.</p>'}</section>`;
}
