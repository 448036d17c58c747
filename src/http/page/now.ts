import { html } from 'ghtml';
import type { ApiAnnouncement } from '../api/announcements.ts';
import type { ApiStream } from '../api/streams.ts';
import type { CheckResult } from '../check.ts';
import { channel, type Markup, moment, table } from './layout.ts';

export interface NowView {
  checks: Record<string, CheckResult>;
  live: number;
  streams: ApiStream[];
  /** Behind the last of them. */
  next?: string | undefined;
  announcements: ApiAnnouncement[];
  /** The place in the feed behind which the page's script goes on. */
  end: string;
  game?: string | undefined;
  /** What the reader looks for among the live streams. */
  search?: string | undefined;
}

const STATES = { claimed: 'on its way', waiting: 'waits for the broker', announced: 'announced' } as const;
const REASONS = {
  started: 'started',
  entered_game: 'entered a watched game',
  first_sight: 'was on already',
} as const;

/** What is the matter, if anything is. */
export function healthSection(checks: Record<string, CheckResult>): Markup {
  const wrong = Object.entries(checks).filter(([, { ok }]) => !ok);
  const health =
    wrong.length === 0
      ? '<p class="health good"><strong>Everything works.</strong> Polls come through, and messages go out.</p>'
      : html`<div class="health bad"><p><strong>Something needs attention:</strong></p>
<ul>!${wrong.map(([name, { detail }]) => html`<li><strong>${name}</strong>: ${detail}</li>`).join('')}</ul></div>`;
  const all = Object.entries(checks).map(
    ([name, { ok, detail }]) => html`<li>${name}: ${ok ? 'ok' : 'not ok'}, ${detail}</li>`,
  );
  return html`<section aria-label="Health">!${health}
<details><summary>All checks</summary><ul>!${all.join('')}</ul></details></section>`;
}

/** What is the matter, who is live, and what was announced. */
export function nowBody({ checks, live, streams, next, announcements, end, game, search }: NowView): Markup {
  const rows = streams.map((stream) => [
    channel(stream.userLogin, stream.userId),
    stream.gameId ? html`<a href="/?${new URLSearchParams({ game: stream.gameId })}">${stream.gameId}</a>` : 'none',
    html`${stream.title}`,
    moment(stream.startedAt),
  ]);
  const more = new URLSearchParams({ ...(search ? { q: search } : game && { game }), ...(next && { after: next }) });
  const what = search ? `, found for “${search}”` : game ? `, in game ${game}` : '';
  const feed = announcements.map((each) => [
    moment(each.at),
    channel(each.userLogin, each.userId),
    html`${each.title}`,
    html`${REASONS[each.reason]}`,
    html`${STATES[each.state]}`,
  ]);
  return html`
!${healthSection(checks)}
<section aria-labelledby="feed-title"><h2 id="feed-title">Announcements</h2>
<p id="feed-state" role="status">!${announcements.length === 0 ? 'Nothing was announced yet.' : ''}</p>
!${table('The latest announcements', ['When', 'Channel', 'Title', 'Why', 'State'], feed, 'feed').replace('<tbody ', html`<tbody data-after="${end}" `)}
</section>
<section aria-labelledby="live-title"><h2 id="live-title">Live: <span id="live-count">${live}</span></h2>
<form method="get" action="/" role="search" class="search"><label for="q">Find a user: the beginning of a login, a link to a channel, or an id</label>
<input id="q" name="q" type="search" maxlength="100" autocomplete="off" spellcheck="false" value="${search ?? ''}"><button>Find</button></form>
!${what ? '<p><a href="/">All live streams</a></p>' : ''}
!${search && rows.length === 0 ? html`<p role="status">Nobody is live whose login begins with “${search}”, or who has that id.</p>` : ''}
!${table(`Live streams${what}`, ['Channel', 'Game', 'Title', 'Since'], rows, 'live')}
!${next ? html`<p><a href="/?${more}">More</a></p>` : ''}
</section>`;
}
