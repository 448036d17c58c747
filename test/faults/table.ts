import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { CampaignResult } from './campaign.ts';
import type { Delays } from './ledger/verdict.ts';
import { brokenPromises, outcomes } from './outcome.ts';

const COLUMNS = ['fault', 'count', 'hit a poll', 'same messageId again', 'ready after, worst'];

function rows(result: CampaignResult): string[][] {
  return outcomes(result).map(({ name, count, hits, repeats, worstRecoverySeconds }) => [
    name,
    String(count),
    String(hits),
    String(repeats),
    worstRecoverySeconds === undefined ? 'never' : `${worstRecoverySeconds.toFixed(1)} s`,
  ]);
}

function totals(result: CampaignResult): [string, string][] {
  const { verdict, evidence, firstSight, seconds, seed, redeliveries } = result;
  const { missed, delays } = verdict;
  const describe = ({ count, p50Ms, p99Ms, maxMs }: Delays) =>
    `p50 ${p50Ms} ms, p99 ${p99Ms} ms, most ${maxMs} ms (${count} streams)`;
  const promises = brokenPromises(result);
  return [
    ['promises', promises.length === 0 ? 'kept' : `${promises.length} broken`],
    ['seed', `${seed}, FIRST_SIGHT=${firstSight}`],
    ['duration', `${Math.round(seconds)} s`],
    ['faults', String(evidence.faults.length)],
    ['polls', String(evidence.polls.length)],
    ['go-lives', `${verdict.goLives}, of which ${verdict.arrived} arrived`],
    ['lost', String(verdict.lost.length)],
    ['unexpected', String(verdict.unexpected.length)],
    ['repeated with the same messageId', String(verdict.repeats.length)],
    ['repeated otherwise', String(verdict.repeatedOtherwise.length)],
    ...Object.entries(missed).map(([excuse, ids]): [string, string] => [
      `missed, ${excuse}`,
      `${ids.length}, of which ${ids.filter((id) => evidence.firstServedAtMs(id) !== undefined).length} were ever served`,
    ]),
    ['out of order', `${verdict.disordered.length}, and ${verdict.disorderedUnderFaults} under faults`],
    ['dead letters', `${verdict.deadLettered}; ${redeliveries} redelivered to the ledger`],
    ['visible to arrived, quiet', describe(delays.quiet)],
    ['visible to arrived, faults', describe(delays.underFaults)],
    ['machine', machine(result)],
  ];
}

/** Cores, memory and versions, without names. */
export function machine({ system: { services } }: Pick<CampaignResult, 'system'>): string {
  const [cpu] = cpus();
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const sdk = `Temporal SDK ${dependencies['@temporalio/worker']}`;
  return [
    `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${process.platform}, Node ${process.version}, ${sdk}, amqplib ${dependencies.amqplib}, ${services.redis.kind}`,
  ].join(', ');
}

/** For a terminal. */
export function asText(result: CampaignResult): string {
  const all = [COLUMNS, ...rows(result)];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const table = all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const summary = totals(result).map(([name, value]) => `${name.padEnd(38)}${value}`);
  return [...table, '', ...summary].join('\n');
}

/** For a document. */
export function asMarkdown(result: CampaignResult): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(COLUMNS),
    line(COLUMNS.map((_, i) => (i === 0 ? '---' : '--:'))),
    ...rows(result).map(line),
    '',
    line(['total', '']),
    line(['---', '---']),
    ...totals(result).map(line),
    '',
  ].join('\n');
}
