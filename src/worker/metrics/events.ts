import type { StreamEvent } from '../../poll/model.ts';
import type { Feed } from '../../storage/feed.ts';
import type { Instruments } from './instruments.ts';

const REASONS = ['started', 'entered_game', 'first_sight'] as const;
/** Twitch shows a stream one to three minutes after its start, and a poll finds it within an interval. */
const LAG_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 90, 120, 180, 300, 600, 1_800, 7_200];

/** What becomes of events, told as the feed is told. */
export function eventMetrics(instruments: Instruments): Feed['note'] {
  const found = instruments.counter('streams_new_total', 'Streams that were found to be new and are to be announced', {
    reason: REASONS,
  });
  const announced = instruments.counter('announced_total', 'stream.online messages that the broker has confirmed', {
    reason: REASONS,
  });
  const lag = instruments.histogram(
    'detection_lag_seconds',
    "Time to the broker's confirm since the stream started, by Twitch's word (started; of events with that reason alone), and since a poll found it (seen)",
    LAG_BUCKETS,
    { since: ['started', 'seen'] },
  );
  return async (state, events) => {
    const nowMs = Date.now();
    for (const event of events) {
      if (state === 'claimed') found.inc({ reason: event.reason });
      if (state === 'announced') {
        announced.inc({ reason: event.reason });
        observeLag('seen', event.detectedAt, nowMs);
        if (event.reason === 'started') observeLag('started', event.startedAt, nowMs);
      }
    }
  };

  function observeLag(since: 'started' | 'seen', from: StreamEvent['startedAt'], nowMs: number): void {
    const seconds = (nowMs - Date.parse(from)) / 1_000;
    // Clocks differ, and a time may be unreadable.
    if (Number.isFinite(seconds)) lag.observe({ since }, Math.max(0, seconds));
  }
}
