import type { Client } from '@temporalio/client';
import type { InjectedSinks } from '@temporalio/worker';
import type { Logger } from '../lib/log.ts';
import type { PollReport, PollSinks } from '../poll/report.ts';
import { BegunPolls } from '../temporal/begunPolls.ts';
import type { PollMetrics } from './metrics/polls.ts';

export interface PollEndsOptions {
  /** Undefined while there is no connection. */
  temporal: () => Client | undefined;
  metrics: Pick<PollMetrics, 'onReport' | 'onUntold'>;
  /** Told of the report of each poll that ends here. */
  onReport?: (report: PollReport) => void;
  /** Told of each poll that began here and never told its end. */
  onUntoldEnd?: () => void;
  logger: Logger;
}

/**
 * Hears from the workflows of this process how polls end, and says so: a line in the log, metrics, and whoever wants the
 * report. A poll is told of by the process that ran its last step, or, where it had none (failed, terminated, …), by the one
 * in which its run began.
 */
export class PollEnds {
  readonly #options: PollEndsOptions;
  readonly #begun: BegunPolls;

  constructor(options: PollEndsOptions) {
    this.#options = options;
    const { temporal, metrics, onUntoldEnd, logger } = options;
    this.#begun = new BegunPolls({
      client: temporal,
      logger,
      onEnd(end) {
        metrics.onUntold(end);
        onUntoldEnd?.();
      },
    });
  }

  /** For the worker's options: workflows report through it, each poll once. */
  readonly sinks: InjectedSinks<PollSinks> = {
    polls: {
      began: { fn: (run) => this.#begun.began(run), callDuringReplay: false },
      ended: {
        fn: ({ runId }, report) => {
          this.#begun.ended(runId);
          this.#tell(report);
        },
        callDuringReplay: false,
      },
    },
  };

  /** Ends its timers. */
  stop(): void {
    this.#begun.stop();
  }

  #tell(report: PollReport): void {
    const { metrics, onReport, logger } = this.#options;
    metrics.onReport(report);
    onReport?.(report);
    const { pollId, durationMs, requests, live, announced, handedOver, failedBatches, problems } = report;
    const news = { pollId, durationMs, requests, live, announced, handedOver, failedBatches };
    if (problems.length > 0) logger.warn({ ...news, problems }, 'poll ended with problems');
    else logger.info(news, 'poll ended');
  }
}
