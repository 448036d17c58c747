import { condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';

/** Lets `deliverStreams` end. */
export const brokerBack = defineSignal('brokerBack');

/** Stands in for a poll: reports at once what a good one would. */
export async function pollStreams() {
  const { workflowId, startTime } = workflowInfo();
  return {
    pollId: workflowId,
    startedAt: startTime.toISOString(),
    durationMs: 1_234,
    targets: 1_234,
    batches: 13,
    requests: 14,
    pages: 14,
    live: 56,
    announced: 3,
    handedOver: 0,
    silent: 0,
    ended: 1,
    failedBatches: 0,
    incompleteBatches: 0,
    failedRequests: {},
    stateLost: false,
    problems: [],
  };
}

/** Stands in for a delivery that waits for the broker. */
export async function deliverStreams(): Promise<void> {
  let back = false;
  setHandler(brokerBack, () => {
    back = true;
  });
  await condition(() => back);
}
