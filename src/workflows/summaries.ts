import type { Batch, StreamEvent } from '../poll/model.ts';
import type { PageRef } from '../poll/steps.ts';

/** In UTF-16 units; a server may refuse a summary of more than 400 bytes, and with it the step. */
const SUMMARY_NAMES_MOST = 120;

/** What Temporal's Web UI shows beside a diff. */
export function summarizeSlice(pages: readonly PageRef[], complete: readonly Batch[]): string {
  const streams = pages.reduce((sum, page) => sum + page.streams, 0);
  return `${streams} live on ${pages.length} pages; ${complete.length} batches complete`;
}

/** What Temporal's Web UI shows beside an attempt to publish, and beside a delivery. */
export function summarizeEvents(events: readonly StreamEvent[]): string {
  const logins = events.slice(0, 5).map((event) => event.userLogin || event.userId);
  const names = logins.join(', ').slice(0, SUMMARY_NAMES_MOST).toWellFormed();
  return `${events.length} new: ${names}${events.length > logins.length ? ', …' : ''}`;
}
