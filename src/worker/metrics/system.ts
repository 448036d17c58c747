import { Gauge, Registry } from 'prom-client';
import type { PollSettings } from '../../config/pollSettings.ts';
import { within } from '../../lib/deadline.ts';
import { shared } from '../../lib/shared.ts';
import type { Observations } from '../../status/observe.ts';
import { REPORTS_KEPT } from '../../storage/polls.ts';
import type { Store } from '../../storage/store.ts';
import { PREFIX } from './instruments.ts';
import { LastPolls } from './lastPolls.ts';
import { SYSTEM_GAUGES, type SystemView } from './systemGauges.ts';

/** How long what the store said is told again: several Prometheus servers that scrape every 15 s ask it no more often. */
const KEPT_MS = 5_000;
/** How long a scrape waits for a service. */
const WAIT_MS = 1_500;
/** For so long a scrape that did not get its answer in time tells what the one before had asked for. */
const STALE_MS = 30_000;
/** Reports of polls that are read each time. More have not ended since the last time, unless nobody scraped. */
const NEWEST = 20;

export interface SystemSources {
  settings: Pick<PollSettings, 'intervalSeconds' | 'requestsPerMinute'>;
  store: Pick<Store, 'polls' | 'targets' | 'streams'>;
  /** Shared with whoever else wants to know. */
  observed: () => Promise<Observations>;
}

/** Shows the state of the system at a scrape, from what all workers share. */
export class SystemMetrics {
  readonly registry = new Registry();
  readonly #sources: () => SystemSources;
  readonly #gauges = SYSTEM_GAUGES.map(({ name, help, labels, read }) => {
    const gauge = new Gauge({ name: PREFIX + name, help, labelNames: labels ?? [], registers: [this.registry] });
    return { gauge, labels, read };
  });
  readonly #polls = new LastPolls();
  readonly #readStore: () => Promise<SystemView['counts']>;
  readonly #observe: () => Promise<Observations | undefined>;
  #intervalSeconds: number | undefined;
  #reportsRead = false;

  /** @param sources not asked before the first scrape */
  constructor(sources: () => SystemSources) {
    this.#sources = sources;
    this.#readStore = inTime(shared(() => this.#read(), KEPT_MS));
    this.#observe = inTime(() => sources().observed());
  }

  /** In Prometheus's text format. Takes hardly longer than a second and a half. */
  async metrics(): Promise<string> {
    const { settings } = this.#sources();
    const [counts, observed] = await Promise.all([this.#readStore(), this.#observe()]);
    // The store may be away, or have lost the reports: Temporal knows the last one, too.
    this.#polls.note(observed?.schedule?.lastCompleted?.report);
    this.#intervalSeconds = observed?.schedule?.intervalSeconds ?? this.#intervalSeconds;
    const { last, lastComplete } = this.#polls;
    const intervalSeconds = this.#intervalSeconds;
    this.#show({ nowMs: Date.now(), settings, counts, observed, last, lastComplete, intervalSeconds });
    return this.registry.metrics();
  }

  #show(view: SystemView): void {
    for (const { gauge, labels, read } of this.#gauges) {
      gauge.reset();
      const found = read(view) ?? Number.NaN;
      if (Array.isArray(found)) {
        for (const [labels, value] of found) if (value !== undefined) gauge.set(labels, value);
      } else if (Number.isFinite(found)) {
        gauge.set(found);
      } else if (!labels) {
        gauge.remove();
      }
    }
  }

  async #read(): Promise<SystemView['counts']> {
    const { polls, targets, streams } = this.#sources().store;
    const [reports, user, game, hot, refusedUsers, refusedGames, live] = await Promise.all([
      // The last complete one may be far back.
      polls.reports(this.#reportsRead ? NEWEST : REPORTS_KEPT),
      targets.count('user'),
      targets.count('game'),
      targets.countHot(),
      targets.refused.count('user'),
      targets.refused.count('game'),
      streams.countLive(),
    ]);
    for (const report of reports) this.#polls.note(report);
    this.#reportsRead = true;
    return { targets: { user, game }, hot, refused: { user: refusedUsers, game: refusedGames }, live };
  }
}

/** What a reading gives within the time of a scrape, or, while it is late, gave lately. Never rejects. */
function inTime<T>(read: () => Promise<T>): () => Promise<T | undefined> {
  let known: { value: T; atMs: number } | undefined;
  return async () => {
    const reading = Promise.resolve()
      .then(read)
      .then(
        (value) => {
          known = { value, atMs: performance.now() };
        },
        () => {
          known = undefined;
        },
      );
    await within(WAIT_MS, reading).catch(() => undefined);
    return known && performance.now() - known.atMs < STALE_MS ? known.value : undefined;
  };
}
