import { count, counted, duration, printable } from '../lib/words.ts';
import { newReport, type PollReport } from './report.ts';

const MOST_RANGES = 5;

/** A poll's report as lines of words; the second and later ones only where something went wrong. */
export function reportLines(report: PollReport): string[] {
  const { announced, silent, ended, live, handedOver, failedBatches, incompleteBatches, failedRequests } = report;
  const lines = [
    `${counted(report.targets, 'target')} in ${counted(report.batches, 'batch', 'batches')}, ` +
      `${counted(report.requests, 'request')} in ${duration(report.durationMs)}; ` +
      `${count(live)} live, ${count(announced)} announced, ${count(ended)} ended` +
      (silent > 0 ? `, ${count(silent)} suppressed` : ''),
  ];
  if (handedOver > 0) lines.push(`${counted(handedOver, 'event')} handed over for delivery when the broker is back`);
  if (failedBatches > 0) lines.push(`${counted(failedBatches, 'batch', 'batches')} not polled`);
  for (const { kind, first, last, targets, missedMs } of (report.unpolled ?? []).slice(0, MOST_RANGES)) {
    const which = first === last ? `${kind} ${first}` : `${counted(targets, 'target')}, ${kind} ${first} to ${last},`;
    lines.push(printable(`${which} not reached by any poll since ${new Date(missedMs).toISOString()}`));
  }
  if (incompleteBatches > 0)
    lines.push(`${counted(incompleteBatches, 'batch', 'batches')} incomplete: no stream was ended by them`);
  if (report.skipped) lines.push(`${counted(report.skipped, 'stream')} skipped: the store fails over them`);
  if (report.refused > 0) lines.push(`${counted(report.refused, 'target')} set aside, because Twitch refuses them`);
  if (report.gone) lines.push(`${counted(report.gone, 'user')} that Twitch no longer knows: see targets list --gone`);
  const failed = Object.entries(failedRequests).map(([kind, times]) => `${count(times)} ${kind}`);
  if (failed.length > 0) lines.push(`failed requests: ${failed.join(', ')}`);
  if (report.stateLost) lines.push('the store had lost what earlier polls wrote');
  return [...lines, ...report.problems.map(printable)];
}

/** `timed out` for Temporal's `TIMED_OUT`. */
export function statusWords(status: string): string {
  return status.toLowerCase().replace('_', ' ');
}

/** A report that another version may have written: what is missing counts as nothing. */
export function readReport(value: unknown): PollReport | undefined {
  if (typeof value !== 'object' || value === null || !('pollId' in value)) return undefined;
  return { ...newReport('', 0), ...(value as object) };
}
