import type { PollReport } from '../../poll/report.ts';
import type { UntoldEnd } from '../../temporal/begunPolls.ts';
import type { Instruments } from './instruments.ts';

const OUTCOMES = ['complete', 'partial', 'failed', 'cancelled', 'terminated', 'timed_out'] as const;
const KINDS = ['rate_limited', 'unauthorized', 'credentials', 'bad_request', 'server', 'network', 'invalid_response'];

export interface PollMetrics {
  /** A poll has ended well. */
  onReport: (report: PollReport) => void;
  /** A poll has ended without a report. */
  onUntold: (end: UntoldEnd) => void;
  /** A page has been read. */
  onPage: (streams: number) => void;
}

/** Polls, counted by the process that ran their last step, or, where they had none, by the one in which they began. */
export function pollMetrics(instruments: Instruments): PollMetrics {
  const polls = instruments.counter(
    'polls_total',
    'Polls that have ended; partial: some batches were not polled; failed, cancelled, terminated, timed_out: without a report',
    { outcome: OUTCOMES },
  );
  const durations = instruments.histogram(
    'poll_duration_seconds',
    'How long polls took that ended well',
    [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 7_200],
  );
  const failedRequests = instruments.counter(
    'helix_failed_requests_total',
    'Failed Helix requests of ended polls, by what the poller made of them',
    { kind: KINDS },
  );
  const seen = instruments.counter('streams_seen_total', 'Streams in pages that were read, repeats included');
  const ended = instruments.counter('streams_ended_total', 'Streams that left the live set: polls no longer see them');
  const suppressed = instruments.counter(
    'streams_suppressed_total',
    'New streams of which no message tells: a first sight with FIRST_SIGHT=silent, or (in polls that found the state lost) announced before',
    { reason: ['first_sight', 'state_lost'] },
  );
  const skipped = instruments.counter('skipped_streams_total', 'Streams that the store could not compare');
  const handedOver = instruments.counter(
    'handed_over_total',
    'Events handed to a delivery because the broker stayed away',
  );
  const failedBatches = instruments.counter('failed_batches_total', 'Batches that were not polled');
  const incompleteBatches = instruments.counter(
    'incomplete_batches_total',
    'Batches whose pages broke off: they added to the live set, and ended nothing',
  );
  const stateLost = instruments.counter('state_lost_total', 'Polls that found that the store had lost its state');
  return {
    onReport(report) {
      polls.inc({ outcome: report.failedBatches > 0 ? 'partial' : 'complete' });
      durations.observe(report.durationMs / 1_000);
      for (const [kind, count] of Object.entries(report.failedRequests)) failedRequests.inc({ kind }, count);
      ended.inc(report.ended);
      suppressed.inc({ reason: report.stateLost ? 'state_lost' : 'first_sight' }, report.silent);
      skipped.inc(report.skipped ?? 0);
      handedOver.inc(report.handedOver);
      failedBatches.inc(report.failedBatches);
      incompleteBatches.inc(report.incompleteBatches);
      stateLost.inc(report.stateLost ? 1 : 0);
    },
    onUntold: (outcome) => polls.inc({ outcome }),
    onPage: (streams) => seen.inc(streams),
  };
}
