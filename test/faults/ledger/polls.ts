import type { Client } from '@temporalio/client';
import { DELIVER_WORKFLOW_TYPE, POLL_WORKFLOW_TYPE } from '../../../src/poll/names.ts';
import type { PollReport } from '../../../src/poll/report.ts';

/** A poll, however it was started and however it ended. Times in Unix milliseconds. */
export interface PollRecord {
  workflowId: string;
  runId: string;
  startMs: number;
  /** Infinity while it runs. */
  endMs: number;
  /** `RUNNING`, `COMPLETED`, `TERMINATED`, `CANCELLED`, `FAILED`, … */
  status: string;
  /** Of a completed one. */
  report?: PollReport;
}

/** Whether a poll went through every one of so many targets, but for those that Twitch refuses. */
export function isWholeWalk(report: PollReport | undefined, targets: number): boolean {
  return report?.failedBatches === 0 && report.targets + report.refused >= targets;
}

/** Newest first, so many known ones in a row mean that the rest is known too. */
const KNOWN_IN_A_ROW = 25;

/** Every poll and its report, read from Temporal. */
export class PollLog {
  readonly #client: Client;
  readonly #polls = new Map<string, PollRecord>();
  #refreshing: Promise<void> | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  get all(): PollRecord[] {
    return [...this.#polls.values()].sort((a, b) => a.startMs - b.startMs);
  }

  /** Reads what is new. @throws when Temporal can't be reached */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Events that are still on their way to the broker, in workflows of their own. */
  async deliveries(): Promise<number> {
    const query = `WorkflowType = '${DELIVER_WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;
    return (await this.#client.workflow.count(query)).count;
  }

  async #read(): Promise<void> {
    let known = 0;
    for await (const info of this.#client.workflow.list({ query: `WorkflowType = '${POLL_WORKFLOW_TYPE}'` })) {
      const { workflowId, runId, startTime, closeTime, status } = info;
      const before = this.#polls.get(runId);
      if (before && before.status !== 'RUNNING') {
        known += 1;
        if (known >= KNOWN_IN_A_ROW) return;
        continue;
      }
      known = 0;
      const record: PollRecord = {
        workflowId,
        runId,
        startMs: startTime.getTime(),
        endMs: closeTime?.getTime() ?? Number.POSITIVE_INFINITY,
        status: status.name,
      };
      if (status.name === 'COMPLETED') {
        record.report = await this.#client.workflow.getHandle(workflowId, runId).result();
      }
      this.#polls.set(runId, record);
    }
  }
}
