import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { html } from 'ghtml';
import { shared } from '../../lib/shared.ts';
import { type ApiSeries, type ApiSlot, SERIES_RANGES, type SeriesRange, type SeriesService } from '../api/series.ts';
import { type Markup, moment, table } from './layout.ts';

/** A figure: fields of a slot, of which the first `lines` are drawn. The page's script finds the fields by these names. */
interface Chart {
  title: string;
  columns: readonly (readonly [head: string, field: string])[];
  lines: number;
  /** Bars instead of lines. */
  bars?: true;
  /** What the scale shows at least, from 0 on. */
  top: number;
}

const CHARTS: readonly Chart[] = [
  {
    title: 'From a stream’s start to its message',
    columns: [
      ['Mean (s)', 'lag.meanSeconds'],
      ['Longest (s)', 'lag.mostSeconds'],
      ['From its first sight, mean (s)', 'delivery.meanSeconds'],
    ],
    lines: 2,
    top: 1,
  },
  {
    title: 'Request budget',
    columns: [
      ['Used (%)', 'budgetPercent'],
      ['Requests', 'requests'],
      ['Polls', 'polls'],
      ['Partial', 'partialPolls'],
      ['Failed', 'failedPolls'],
    ],
    lines: 1,
    top: 100,
  },
  {
    title: 'Live streams',
    columns: [
      ['Most', 'liveMost'],
      ['Last', 'live'],
      ['Targets', 'targets'],
    ],
    lines: 1,
    top: 4,
  },
  { title: 'Announcements', columns: [['Announced', 'announced']], lines: 1, bars: true, top: 4 },
];

const TITLES: Record<SeriesRange, string> = { day: 'The last day', month: 'The last 30 days' };
const LINKS: Record<SeriesRange, string> = { day: '/#charts-title', month: '/?range=month#charts-title' };
/** A reading is shown to everybody who asks within this time: hundreds of rows do not change sooner than the reader can see. */
const AGE_MS = 5_000;

/** @returns what renders the charts of a range, with a table beside each, which is what can be read without the script */
export function chartsOf(series: SeriesService): (range: SeriesRange) => Promise<Markup> {
  const sections = SERIES_RANGES.map(
    (range) => [range, shared(async () => section(range, await series.read(range)), AGE_MS)] as const,
  );
  const byRange = Object.fromEntries(sections) as Record<SeriesRange, () => Promise<Markup>>;
  return (range) => byRange[range]();
}

function section(range: SeriesRange, { now, slotSeconds, mostSlots, slots }: ApiSeries): Markup {
  const newestFirst = slots.toReversed();
  const figures = CHARTS.map(({ title, columns, lines, bars, top }) => {
    const keys = columns
      .slice(0, lines)
      .map(([head]) => html`<span class="key">${head} <b></b></span>`)
      .join(' ');
    const rows = newestFirst.map((slot) => [moment(slot.at), ...columns.map(([, field]) => cell(slot, field))]);
    const fields = columns.map(([, field]) => field).join(' ');
    return html`<figure data-fields="${fields}" data-lines="${lines}" data-top="${top}"!${bars ? ' data-bars' : ''}>
<figcaption><strong>${title}</strong> <span class="keys">!${keys}</span> <span class="at"></span></figcaption>
<div class="plot"></div>
<details><summary>${title}: the figures</summary>!${table(`${title}: the figures`, ['Since', ...columns.map(([head]) => head)], rows)}</details></figure>`;
  }).join('\n');
  const others = SERIES_RANGES.filter((other) => other !== range).map(
    (other) => html`<a href="${LINKS[other]}">${TITLES[other]}</a>`,
  );
  return html`<section id="charts" aria-labelledby="charts-title" data-range="${range}" data-now="${now}" data-slot-seconds="${slotSeconds}" data-slots="${mostSlots}">
<h2 id="charts-title">${TITLES[range]}</h2><p>!${others.join(' ')}</p>
<div class="figures">!${figures}</div>
<link rel="stylesheet" href="/assets/uplot/uPlot.min.css">
<script src="/assets/uplot/uPlot.iife.min.js" defer></script><script src="/assets/charts.js" defer></script>
</section>`;
}

/** What is not known is an empty cell. */
function cell(slot: ApiSlot, field: string): Markup {
  const value = field.split('.').reduce((part, name) => Object(part)[name], slot as unknown);
  return typeof value === 'number' ? String(value) : '';
}

/** Serves the library that draws, as it was installed: no build step. */
export function chartAssets(app: FastifyInstance): void {
  const root = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'));
  for (const name of ['uPlot.iife.min.js', 'uPlot.min.css']) {
    app.get(`/assets/uplot/${name}`, (_request, reply) => reply.sendFile(name, root));
  }
}
