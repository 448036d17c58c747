import type { Registry } from 'prom-client';
import { harmless } from '../../lib/harmless.ts';
import type { StreamEvent } from '../../poll/model.ts';
import type { PublisherObserver } from '../../publisher/outcome.ts';
import type { RabbitPublisher } from '../../publisher/rabbitmq.ts';
import type { EventState } from '../../storage/feed.ts';
import type { CommandOutcome } from '../../storage/observeCommands.ts';
import type { TwitchClient } from '../../twitch/client.ts';
import type { TwitchObserver } from '../../twitch/observer.ts';
import { eventMetrics } from './events.ts';
import { Instruments } from './instruments.ts';
import { type PollMetrics, pollMetrics } from './polls.ts';
import { processMetrics } from './process.ts';
import { publisherMetrics } from './publisher.ts';
import { storeMetrics } from './store.ts';
import { SystemMetrics, type SystemSources } from './system.ts';
import { twitchMetrics } from './twitch.ts';

/** Where metrics are read that no observer tells. Asked at a scrape, not before. */
export interface MetricsSources extends SystemSources {
  twitch: Pick<TwitchClient, 'lastRate' | 'paceMs' | 'tokenStatus'>;
  publisher: Pick<RabbitPublisher, 'status' | 'inFlight'>;
  /** Answers within a second or two. */
  ready: (service: 'temporal' | 'dragonfly') => Promise<boolean>;
  /** Metrics of the SDK's native core, in the same format; empty when there are none. */
  core: () => Promise<string>;
}

/**
 * What Prometheus can ask of this process: what it counts itself, to be summed over all processes, and the state of the
 * system, of which every process tells the same. `docs/metrics.md` is made from what is registered here.
 */
export class Metrics {
  readonly contentType: string;
  readonly twitch: TwitchObserver;
  readonly publisher: PublisherObserver;
  readonly polls: PollMetrics;
  readonly onCommand: (outcome: CommandOutcome) => void;
  readonly onEvents: (state: EventState, events: readonly StreamEvent[]) => void;
  readonly registries: { process: Registry; system: Registry };
  readonly #system: SystemMetrics;
  readonly #core: () => Promise<string>;

  /** @param sources not asked before the first scrape */
  constructor(sources: () => MetricsSources) {
    const instruments = new Instruments();
    this.contentType = instruments.registry.contentType;
    this.twitch = twitchMetrics(instruments, () => sources().twitch);
    this.publisher = publisherMetrics(instruments, () => sources().publisher);
    this.onCommand = storeMetrics(instruments);
    this.onEvents = harmless(eventMetrics(instruments));
    const { onReport, onUntold, onPage } = pollMetrics(instruments);
    this.polls = { onReport: harmless(onReport), onUntold: harmless(onUntold), onPage: harmless(onPage) };
    processMetrics(instruments, (service) => sources().ready(service));
    this.#system = new SystemMetrics(sources);
    this.#core = () => sources().core();
    this.registries = { process: instruments.registry, system: this.#system.registry };
  }

  /** Everything in Prometheus's text format, within a second or two. */
  async metrics(): Promise<string> {
    const parts = [this.registries.process.metrics(), this.#system.metrics(), this.#core()];
    return (await Promise.all(parts)).join('');
  }
}
