import { html } from 'ghtml';
import { z } from 'zod';
import { within } from '../../lib/deadline.ts';
import { PAGE_PART_MS } from '../../poll/limits.ts';
import type { AnnouncementsService, ApiAnnouncement } from '../api/announcements.ts';
import { SERIES_RANGES, type SeriesService } from '../api/series.ts';
import type { ApiStream, StreamsService } from '../api/streams.ts';
import type { CheckResult } from '../check.ts';
import { chartsOf } from './charts.ts';
import { userOf } from './entries.ts';
import { channel, type Markup, moment, table } from './layout.ts';

/** Something that needs attention, and what to do about it. */
export interface Problem {
  problem: string;
  advice: string;
}

export interface NowServices {
  /** What `/readyz` tells. */
  checks: () => Promise<Record<string, CheckResult>>;
  /** What the command `status` tells. */
  problems: () => Promise<Problem[]>;
  streams: StreamsService;
  announcements: AnnouncementsService;
  series: SeriesService;
  /** Tells whether an error of a service is one that the reader is to know. */
  explain: (error: Error) => Error | undefined;
}

interface Health {
  checks: Record<string, CheckResult>;
  /** Undefined: not known in time. */
  problems: Problem[] | undefined;
}

interface NowView extends Health {
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
  /** How it went; left out where live streams are looked through. */
  charts: Markup;
}

const ON_PAGE = 100;

/** What is not understood is left out, since links live long. */
const nowQuery = z.object({
  game: z.string().max(64).optional().catch(undefined),
  q: z.string().trim().max(100).optional().catch(undefined),
  after: z.string().max(200).optional().catch(undefined),
  range: z.enum(SERIES_RANGES).catch('day'),
});

const STATES = { claimed: 'on its way', waiting: 'waits for the broker', announced: 'announced' } as const;
const REASONS = {
  started: 'started',
  entered_game: 'entered a watched game',
  first_sight: 'was on already',
} as const;

/** Of a table of announcements. */
export const ANNOUNCEMENT_HEADS = ['When', 'Channel', 'Title', 'Why', 'State'];

export function announcementCells({ at, userLogin, userId, title, reason, state }: ApiAnnouncement): Markup[] {
  return [moment(at), channel(userLogin, userId), html`${title}`, html`${REASONS[reason]}`, html`${STATES[state]}`];
}

/** Makes the page for a query. It is there in bounded time, with what is known by then. */
export function nowPage(services: NowServices): (query: unknown) => Promise<Markup> {
  const { streams, announcements } = services;
  const charts = chartsOf(services.series);
  const inTime = async <T>(work: Promise<T>): Promise<T | undefined> => {
    let late = true;
    const done = work.finally(() => {
      late = false;
    });
    return within(PAGE_PART_MS, done).catch((error: Error) => {
      if (late || services.explain(error)) return undefined;
      throw error;
    });
  };
  const read = async ({ game, q, after, range }: z.output<typeof nowQuery>) => {
    const end = await announcements.end();
    const [live, listed, feed, drawn] = await Promise.all([
      streams.countLive(),
      q
        ? streams.findLive({ text: userOf(q), after, limit: ON_PAGE })
        : streams.listLive({ gameId: game, after, limit: ON_PAGE }),
      announcements.before(undefined, 50),
      game || q || after ? '' : charts(range),
    ]);
    return { live, ...listed, announcements: feed.announcements, end, game, search: q, charts: drawn };
  };
  return async (given) => {
    // Above all when something is away somebody wants to know what is the matter.
    const [checks, problems, view] = await Promise.all([
      services.checks(),
      inTime(services.problems()),
      inTime(read(nowQuery.parse(given))),
    ]);
    return view ? nowBody({ checks, problems, ...view }) : healthSection({ checks, problems });
  };
}

/** Whether all is well; else what is the matter, and what to do. */
function healthSection({ checks, problems }: Health): Markup {
  const failed = Object.entries(checks).filter(([, { ok }]) => !ok);
  const items = [
    ...(problems ?? []).map(({ problem, advice }) => html`<li><strong>${problem}</strong>: ${advice}</li>`),
    ...failed
      // The same service away is told once.
      .filter(([, { detail }]) => !problems?.some(({ problem }) => problem === detail))
      .map(([name, { detail }]) => html`<li><strong>${name}</strong>: ${detail}</li>`),
  ];
  const health =
    items.length > 0
      ? html`<div class="health bad"><p><strong>Something needs attention:</strong></p><ul>!${items.join('')}</ul></div>`
      : problems
        ? '<p class="health good"><strong>Everything works.</strong> Polls come through, and messages go out.</p>'
        : '<p class="health"><strong>The checks are good.</strong> Whether anything else needs attention could not be found out in time.</p>';
  const all = Object.entries(checks).map(
    ([name, { ok, detail }]) => html`<li>${name}: ${ok ? 'ok' : 'not ok'}, ${detail}</li>`,
  );
  return html`<section aria-label="Health">!${health}
<details><summary>All checks</summary><ul>!${all.join('')}</ul></details></section>`;
}

/** What is the matter, what was announced, who is live, and how it went. */
function nowBody({ checks, problems, live, streams, next, announcements, end, game, search, charts }: NowView): Markup {
  const rows = streams.map((stream) => [
    channel(stream.userLogin, stream.userId),
    stream.gameId ? html`<a href="/?${new URLSearchParams({ game: stream.gameId })}">${stream.gameId}</a>` : 'none',
    html`${stream.title}`,
    moment(stream.startedAt),
  ]);
  const more = new URLSearchParams({ ...(search ? { q: search } : game && { game }), ...(next && { after: next }) });
  const what = search ? `, found for “${search}”` : game ? `, in game ${game}` : '';
  const feed = announcements.map(announcementCells);
  return html`
!${healthSection({ checks, problems })}
!${charts && '<nav class="parts" aria-label="Parts of this page"><a href="#feed-title">Announcements</a> <a href="#live-title">Live</a> <a href="#charts-title">How it went</a></nav>'}
<section aria-labelledby="feed-title"><h2 id="feed-title">Announcements</h2>
<p id="feed-state" role="status">!${announcements.length === 0 ? 'Nothing was announced yet.' : ''}</p>
!${table('The latest announcements', ANNOUNCEMENT_HEADS, feed, 'feed').replace('<tbody ', html`<tbody data-after="${end}" `)}
</section>
<section aria-labelledby="live-title"><h2 id="live-title">Live: <span id="live-count">${live}</span></h2>
<form method="get" action="/" role="search" class="search"><label for="q">Find a user: the beginning of a login, a link to a channel, or an id</label>
<input id="q" name="q" type="search" maxlength="100" autocomplete="off" spellcheck="false" value="${search ?? ''}"><button>Find</button></form>
!${what ? '<p><a href="/">All live streams</a></p>' : ''}
!${search && rows.length === 0 ? html`<p role="status">Nobody is live whose login begins with “${search}”, or who has that id.</p>` : ''}
!${table(`Live streams${what}`, ['Channel', 'Game', 'Title', 'Since'], rows, 'live')}
!${next ? html`<p><a href="/?${more}">More</a></p>` : ''}
</section>
!${charts}`;
}
