import { html } from 'ghtml';
import { TARGET_STATES } from '../api/listTargets.ts';
import type { ApiTarget } from '../api/targetSchemas.ts';
import { type Markup, moment, table } from './layout.ts';

export interface TargetsView {
  counts: { user: number; game: number };
  targets: ApiTarget[];
  next?: string | undefined;
  state: (typeof TARGET_STATES)[number];
  /** How often what is polled. */
  frequency?: string;
  signedIn: boolean;
  /** What the form for new targets holds: what was typed, if it could not be taken. */
  draft?: { entries: string; labels: string } | undefined;
}

/** Of a list of entries: what would be added. */
export interface Preview {
  found: { kind: 'user' | 'game'; id: string; name: string; known: boolean }[];
  unknown: string[];
  labels: string;
}

/** What is watched, and forms to change it. */
export function targetsBody({ counts, targets, next, state, frequency, signedIn, draft }: TargetsView): Markup {
  const filter = TARGET_STATES.map(
    (each) => html`<a href="/targets?state=${each}"!${each === state ? ' aria-current="true"' : ''}>${each}</a>`,
  ).join(' ');
  const rows = targets.map((target) => [
    ...(signedIn
      ? [
          html`<input type="checkbox" name="${target.kind}" value="${target.id}" aria-label="${target.kind} ${target.id}">`,
        ]
      : []),
    html`${target.kind}`,
    html`<a href="/targets/${target.kind}/${target.id}">!${target.live?.userLogin ? html`${target.live.userLogin} (${target.id})` : target.id}</a>`,
    html`${(target.labels ?? []).join(', ')}`,
    stateOf(target),
    target.addedAt ? moment(target.addedAt) : '',
  ]);
  const heads = [...(signedIn ? ['Remove'] : []), 'Kind', 'Target', 'Labels', 'State', 'Added'];
  const list = table(`Targets: ${state}`, heads, rows);
  const more = new URLSearchParams({ state, ...(next && { after: next }) });
  return html`
<p>${counts.user} users and ${counts.game} games are watched. ${frequency ?? ''} <a href="/api/v1/targets/export">Export all</a></p>
!${signedIn ? addForm(draft) : ''}
<section aria-labelledby="list-title"><h2 id="list-title">List</h2>
<nav aria-label="States" class="filter">!${filter}</nav>
!${
    signedIn && targets.length > 0
      ? html`<form method="post" action="/targets/remove">!${list}<button>Remove what is ticked</button></form>`
      : list
  }
!${next ? html`<p><a href="/targets?${more}">More</a></p>` : ''}
</section>`;
}

export function stateOf({ live, refused, gone }: ApiTarget): Markup {
  if (refused) return html`refused by Twitch: <bdi>${refused.reason}</bdi>; tried again at !${moment(refused.retryAt)}`;
  if (gone) return html`gone since !${moment(gone.since)}: Twitch does not know it`;
  return live ? html`live since !${moment(live.startedAt)}` : 'watched';
}

function addForm(draft = { entries: '', labels: '' }): Markup {
  return html`<section aria-labelledby="add-title"><h2 id="add-title">Add</h2>
<form method="post" action="/targets/preview">
<label for="entries">Ids of users, logins or links to channels, one a line; games as <code>game:ID</code> or <code>game:NAME</code></label>
<textarea id="entries" name="entries" rows="5" required>${draft.entries}</textarea>
<label for="labels">Labels, separated by commas (they travel with the events)</label>
<input id="labels" name="labels" value="${draft.labels}">
<button>Look up</button>
</form></section>`;
}

/** What would be added, before it is. */
export function previewBody({ found, unknown, labels }: Preview): Markup {
  const rows = found.map(({ kind, id, name, known }) => [
    html`${kind}`,
    html`${name || 'by its id'}`,
    html`${id}`,
    known ? 'watched already' : 'new',
  ]);
  const fields = found.map(({ kind, id }) => html`<input type="hidden" name="${kind}" value="${id}">`).join('');
  const missing = unknown.map((name) => html`<li>${name}</li>`).join('');
  return html`
!${unknown.length > 0 ? html`<section><h2>Not found at Twitch</h2><ul>!${missing}</ul></section>` : ''}
<section aria-label="Found">!${found.length > 0 ? table('These will be watched', ['Kind', 'Name', 'Id', 'State'], rows) : '<p>Nothing was found.</p>'}
<form method="post" action="/targets/add">!${fields}<input type="hidden" name="labels" value="${labels}">
!${found.length > 0 ? '<button>Watch them</button>' : ''} <a href="/targets">Back</a></form></section>`;
}
