import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from '../lib/log.ts';
import { LOOK_EVERY_MS, TEMPORAL_ANSWER_MS } from '../poll/limits.ts';

/** How a run ended that did not tell: Temporal's status in lower case. */
export type UntoldEnd = 'failed' | 'cancelled' | 'terminated' | 'timed_out';

const UNTOLD: Record<string, UntoldEnd> = {
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};
/** More than ever run at a time; where we may not ask for them, the oldest are forgotten. */
const MOST_RUNS = 100;

export interface BegunPollsOptions {
  /** Undefined while there is no connection. */
  client: () => Client | undefined;
  onEnd: (end: UntoldEnd) => void;
  logger: Logger;
}

/**
 * The runs of polls that began in this process, and what became of those that never told their end: one that fails, is
 * cancelled, terminated or runs out of time has no last step in which it could. Temporal is asked every ten seconds for as
 * long as one is open. Each run begins in one process, so that no end is counted by two.
 */
export class BegunPolls {
  readonly #options: BegunPollsOptions;
  readonly #runs = new Map<string, { workflowId: string }>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: BegunPollsOptions) {
    this.#options = options;
  }

  began({ workflowId, runId }: { workflowId: string; runId: string }): void {
    this.#runs.set(runId, { workflowId });
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > MOST_RUNS && oldest !== undefined) this.#runs.delete(oldest);
    this.#timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** A run that has told its end itself. */
  ended(runId: string): void {
    this.#runs.delete(runId);
  }

  /** Asks for each open run. What can't be asked now is asked the next time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { client, onEnd, logger } = this.#options;
    for (const [runId, { workflowId }] of [...this.#runs]) {
      const status = await this.#statusOf(client(), workflowId, runId);
      if (status === undefined) return;
      if (status === 'RUNNING') continue;
      // Not if it has told its end meanwhile; one that is complete has told it, here or in another process.
      if (!this.#runs.delete(runId)) continue;
      const end = UNTOLD[status];
      if (!end) continue;
      onEnd(end);
      logger.warn(
        { workflowId, runId, outcome: end },
        `a poll ended without a report: ${end.replace('_', ' ')}; npm run client -- status tells why`,
      );
    }
  }

  async #statusOf(client: Client | undefined, workflowId: string, runId: string): Promise<string | undefined> {
    if (!client) return undefined;
    try {
      const handle = client.workflow.getHandle(workflowId, runId);
      return (await client.withDeadline(Date.now() + TEMPORAL_ANSWER_MS, () => handle.describe())).status.name;
    } catch (error) {
      return error instanceof WorkflowNotFoundError ? 'GONE' : undefined;
    }
  }
}
