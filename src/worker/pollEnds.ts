import type { Client } from '@temporalio/client';
import type { InjectedSinks } from '@temporalio/worker';
import type { Logger } from '../lib/log.ts';
import type { PollReport, PollSinks } from '../poll/report.ts';
import { BegunPolls } from '../temporal/begunPolls.ts';
import type { PollMetrics } from './metrics/polls.ts';

const WITH_PROBLEMS = 'poll ended with problems: the next one tries again; if it stays so, npm run client -- status';

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
    const { pollId, durationMs, targets, requests, live, announced, handedOver, failedBatches, problems } = report;
    const news = { pollId, durationMs, targets, requests, live, announced, handedOver, failedBatches };
    logger.info({ ...news, ...(problems.length > 0 && { problems }) }, 'poll ended');
    if (problems.length > 0) logger.warn({ pollId, problems }, WITH_PROBLEMS);
  }
}
