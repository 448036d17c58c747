import type { Client } from '@temporalio/client';
import type { InjectedSinks } from '@temporalio/worker';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Logger } from '../lib/log.ts';
import type { PollReport, PollSinks } from '../poll/report.ts';
import type { RabbitPublisher } from '../publisher/rabbitmq.ts';
import { BegunPolls } from '../temporal/begunPolls.ts';
import type { TwitchClient } from '../twitch/client.ts';

export interface MetricsSources {
  twitch: Pick<TwitchClient, 'lastRate'>;
  publisher: Pick<RabbitPublisher, 'status'>;
  /** Undefined while there is no connection. */
  temporal: () => Client | undefined;
  /** Told of the report of each poll that ends here. */
  onReport?: (report: PollReport) => void;
  /** Told of each poll that began here and never told its end. */
  onUntoldEnd?: () => void;
  logger: Logger;
}

const PREFIX = 'stream_poller_';

/**
 * What Prometheus can ask of this process. Polls are counted by the process that ran their last step, and those that had
 * none (failed, terminated, …) by the one in which their run began: sum counters over all processes, and take the newest of gauges (`stream_poller_poll_end_timestamp_seconds` tells which).
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #logger: Logger;
  readonly #onReport: MetricsSources['onReport'];
  readonly #begun: BegunPolls;
  readonly #polls = this.#counter('polls_total', 'Polls that have ended', ['outcome']);
  readonly #requests = this.#counter('helix_requests_total', 'Helix requests of ended polls, failed ones included');
  readonly #failedRequests = this.#counter('helix_failed_requests_total', 'Failed Helix requests by kind', ['kind']);
  readonly #announced = this.#counter(
    'announced_total',
    'stream.online messages that the broker has confirmed in polls',
  );
  readonly #handedOver = this.#counter('handed_over_total', 'Events handed to a delivery because the broker was away');
  readonly #failedBatches = this.#counter('failed_batches_total', 'Batches that were not polled');
  readonly #incompleteBatches = this.#counter(
    'incomplete_batches_total',
    'Batches whose pages broke off: they added to the live set, and ended nothing',
  );
  readonly #stateLost = this.#counter('state_lost_total', 'Polls that found that the store had lost its state');
  readonly #skipped = this.#counter('skipped_streams_total', 'Streams that the store could not compare');
  readonly #end = this.#gauge('poll_end_timestamp_seconds', 'When the last poll ended (Unix time)');
  readonly #duration = this.#gauge('poll_duration_seconds', 'How long the last poll took');
  readonly #oldest = this.#gauge(
    'oldest_target_seconds',
    'At the end of the last poll, the age of the oldest sight of a target',
  );
  readonly #kept = this.#gauge('interval_kept', '1 if the request budget is enough to keep the poll interval, else 0');
  readonly #targets = this.#gauge('targets', 'Targets of the last poll');
  readonly #refused = this.#gauge(
    'refused_targets',
    'Targets that Twitch refuses, after the last poll: they are set aside',
  );
  readonly #gone = this.#gauge('gone_users', 'User targets that Twitch no longer knows, at the last poll');
  readonly #live = this.#gauge('live_streams', 'Size of the live set after the last poll');

  constructor({ twitch, publisher, temporal, onReport, onUntoldEnd, logger }: MetricsSources) {
    this.#logger = logger;
    this.#onReport = onReport;
    this.#begun = new BegunPolls({
      client: temporal,
      logger,
      onEnd: (outcome) => {
        this.#polls.inc({ outcome });
        onUntoldEnd?.();
      },
    });
    collectDefaultMetrics({ register: this.registry });
    this.#gauge(
      'helix_ratelimit_remaining',
      'Points left in the Helix bucket, as the last answer showed it',
      (gauge) => {
        const rate = twitch.lastRate();
        if (rate) gauge.set(rate.remaining);
      },
    );
    this.#gauge('broker_ready', '1 while the broker takes messages, else 0', (gauge) => {
      gauge.set(publisher.status().state === 'ready' ? 1 : 0);
    });
  }

  /** For the worker's options: workflows report through it, each poll once. */
  readonly sinks: InjectedSinks<PollSinks> = {
    polls: {
      began: { fn: (run) => this.#begun.began(run), callDuringReplay: false },
      ended: {
        fn: ({ runId }, report) => {
          this.#begun.ended(runId);
          this.#record(report);
          this.#onReport?.(report);
        },
        callDuringReplay: false,
      },
    },
  };

  /** Ends its timers. */
  stop(): void {
    this.#begun.stop();
  }

  #record(report: PollReport): void {
    const { failedBatches, durationMs, announced, handedOver } = report;
    this.#polls.inc({ outcome: failedBatches > 0 ? 'partial' : 'complete' });
    this.#requests.inc(report.requests);
    for (const [kind, count] of Object.entries(report.failedRequests)) this.#failedRequests.inc({ kind }, count);
    this.#announced.inc(announced);
    this.#handedOver.inc(handedOver);
    this.#failedBatches.inc(failedBatches);
    this.#incompleteBatches.inc(report.incompleteBatches);
    this.#stateLost.inc(report.stateLost ? 1 : 0);
    this.#skipped.inc(report.skipped ?? 0);
    this.#end.set((Date.parse(report.startedAt) + durationMs) / 1_000);
    this.#duration.set(durationMs / 1_000);
    if (report.oldestTargetSeconds !== undefined) this.#oldest.set(report.oldestTargetSeconds);
    this.#kept.set(report.advice ? 0 : 1);
    this.#targets.set(report.targets);
    // Absent in a poll that an earlier version began.
    this.#refused.set(report.refused || 0);
    this.#gone.set(report.gone ?? 0);
    this.#live.set(report.live);
    const { pollId, requests, live, problems } = report;
    const news = { pollId, durationMs, requests, live, announced, handedOver, failedBatches };
    if (problems.length > 0) this.#logger.warn({ ...news, problems }, 'poll ended with problems');
    else this.#logger.info(news, 'poll ended');
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, collect?: (gauge: Gauge) => void): Gauge {
    return new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.registry],
      ...(collect && {
        collect() {
          collect(this);
        },
      }),
    });
  }
}
