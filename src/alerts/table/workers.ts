import { counted } from '../../lib/words.ts';
import type { Alert } from '../alert.ts';
import { grown, metric } from '../promql.ts';

const TASK_ATTEMPTS = 3;
const MEMORY_SHARE = 0.9;
const MIB = 1024 * 1024;

const MEMORY = `process_resident_memory_bytes / on (job, instance) ${metric('memory_limit_bytes')}`;
/** Jobs in which there was a stream-poller. */
const KNOWN = `max by (job) (last_over_time(${metric('build_info')}[3d]))`;
/** Commands that begin or change something: what people and the schedule wait for. */
const USER_FACING =
  'StartWorkflowExecution|SignalWithStartWorkflowExecution|SignalWorkflowExecution|UpdateWorkflowExecution|ExecuteMultiOperation';

/**
 * The workers. Four of these, and the failed workflow tasks, are Temporal's "start with these five"
 * (https://docs.temporal.io/best-practices/worker-alerting#start-with-these-five). Its alert on activities that wait long is
 * left out: those of the Twitch queue wait by design, since that is how requests are spaced.
 */
export const workerAlerts: readonly Alert[] = [
  {
    name: 'WorkerDown',
    severity: 'warning',
    summary: 'A worker has gone without saying goodbye',
    advice: 'look at the end of its log and at what its supervisor says; others go on in its place',
    // Only where a stream-poller was: the same Prometheus may watch anything. The last one of a job may vanish with its address.
    expr: `up == 0 and on (job) (${KNOWN}) or ${KNOWN} unless on (job) up`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: ({ lostWorkers }) =>
        lostWorkers && lostWorkers.length > 0 && `${counted(lostWorkers.length, 'worker')}: ${lostWorkers.join(', ')}`,
    },
  },
  {
    name: 'PollersGone',
    severity: 'critical',
    summary: 'No worker asks Temporal for work on a task queue',
    advice: 'see that a worker runs: npm run worker; its /readyz tells what it waits for',
    expr: 'sum by (job, task_queue, poller_type) (temporal_num_pollers) == 0',
    forSeconds: 300,
    here: {
      scope: 'system',
      judge: ({ workers }) => {
        if (!workers) return undefined;
        const idle = workers.filter((queue) => queue.workers === 0).map(({ taskQueue }) => taskQueue);
        return idle.length > 0 && `nobody polls ${idle.join(', ')}`;
      },
    },
  },
  {
    name: 'WorkflowTaskFailing',
    severity: 'critical',
    summary: 'Workflow code fails: a running poll or delivery does not get on',
    advice: 'go back to the version that ran before; never terminate what has claimed events',
    // Failed tasks are tried again ever more seldom, up to ten minutes apart.
    expr: `${grown('temporal_workflow_task_execution_failed_total', '15m', 'job, failure_reason')} > 0`,
    forSeconds: 60,
    here: {
      scope: 'system',
      judge: ({ failingTask, schedule }) => {
        if (!failingTask) return schedule === undefined ? undefined : false;
        return (
          failingTask.attempt >= TASK_ATTEMPTS &&
          `attempt ${failingTask.attempt} of a step of ${failingTask.workflowId}`
        );
      },
    },
  },
  {
    name: 'WorkflowTasksWaiting',
    severity: 'warning',
    summary: 'Workflow tasks wait for more than 5 s until a worker takes them up',
    advice: 'look at the workers’ processor and memory; start another: npm run worker',
    // Here it shows as a stale poll: only histograms over minutes tell it apart.
    expr:
      'histogram_quantile(0.99, sum by (job, task_queue, le) ' +
      '(rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[5m]))) > 5',
    forSeconds: 300,
  },
  {
    name: 'TemporalThrottled',
    severity: 'warning',
    summary: 'Temporal refuses starts and signals: its limits for the namespace are reached',
    advice: 'raise the namespace’s limits, or lengthen the interval',
    // Only the SDK sees these answers, and counts them in its own metrics.
    expr: `${grown(`temporal_request_failure_total{status_code="RESOURCE_EXHAUSTED", operation=~"${USER_FACING}"}`, '5m')} > 0`,
    forSeconds: 60,
  },
  {
    name: 'MemoryNearLimit',
    severity: 'warning',
    summary: 'A worker uses more than nine tenths of the memory it may have',
    advice: 'give it more, and NODE_OPTIONS=--max-old-space-size=256; another worker takes over if it is killed',
    expr: `max by (job, instance) (${MEMORY}) > ${MEMORY_SHARE}`,
    forSeconds: 300,
    here: {
      scope: 'process',
      judge: ({ memory }) => {
        if (!memory) return undefined;
        const { usedBytes, limitBytes } = memory;
        return (
          usedBytes > MEMORY_SHARE * limitBytes &&
          `${Math.round(usedBytes / MIB)} of ${Math.round(limitBytes / MIB)} MiB`
        );
      },
    },
  },
];
