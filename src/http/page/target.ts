import { html } from 'ghtml';
import type { ApiAnnouncement } from '../api/announcements.ts';
import type { ApiTargetDetail } from '../api/targetSchemas.ts';
import { channel, type Markup, moment, table } from './layout.ts';
import { ANNOUNCEMENT_HEADS, announcementCells } from './now.ts';
import { stateOf } from './targets.ts';

export interface TargetView {
  target: ApiTargetDetail;
  /** Of a user, if it is known. */
  login: string;
  announcements: ApiAnnouncement[];
  signedIn: boolean;
}

const NEXT_POLL = {
  next: 'it is in every poll',
  turn: 'a user that was not live lately, it takes turns with others',
  again: 'then it is tried again',
  paused: 'polls are paused',
} as const;

/** One target: what is known of it, and forms to change it. */
export function targetBody({ target, login, announcements, signedIn }: TargetView): Markup {
  const { kind, id, addedAt, labels = [], live, nextPoll, unreachedSince } = target;
  const facts: [name: string, value: Markup][] = [
    [kind === 'user' ? 'User' : 'Game', login ? html`!${channel(login, id)} (${id})` : html`${id}`],
    ['State', stateOf(target)],
  ];
  if (live) facts.push(['Stream', html`<bdi>${live.title}</bdi> (game ${live.gameId || 'none'})`]);
  if (kind === 'game') facts.push(['Live', html`<a href="/?game=${id}">Live streams in this game</a>`]);
  if (nextPoll) {
    const when = nextPoll.at ? html`about !${moment(nextPoll.at)}, ` : '';
    facts.push(['Next poll', html`!${when}${NEXT_POLL[nextPoll.why]}`]);
  }
  if (unreachedSince) facts.push(['Trouble', html`no poll has reached it since !${moment(unreachedSince)}`]);
  facts.push(['Labels', labels.length > 0 ? html`${labels.join(', ')}` : 'none']);
  if (addedAt) facts.push(['Added', moment(addedAt)]);
  const rows = facts.map(([name, value]) => html`<dt>${name}</dt><dd>!${value}</dd>`).join('\n');
  const latest = announcements.map(announcementCells);
  return html`
<p><a href="/targets">All targets</a></p>
<dl class="facts">!${rows}</dl>
!${signedIn ? changeForms(target) : ''}
<section aria-labelledby="latest-title"><h2 id="latest-title">Announcements</h2>
!${latest.length > 0 ? table('Its latest announcements', ANNOUNCEMENT_HEADS, latest) : '<p>None is among the latest.</p>'}
</section>`;
}

function changeForms({ kind, id, labels = [] }: ApiTargetDetail): Markup {
  return html`<section aria-label="Change">
<form method="post" action="/targets/${kind}/${id}/labels">
<label for="labels">Labels, separated by commas (they travel with the events)</label>
<input id="labels" name="labels" value="${labels.join(', ')}"><button>Change labels</button></form>
<form method="post" action="/targets/remove"><input type="hidden" name="${kind}" value="${id}"><button>Watch it no longer</button></form>
</section>`;
}
