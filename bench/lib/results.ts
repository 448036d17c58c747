import type { Environment, Versions } from './machine.ts';

/** What a value must not exceed, or must reach. */
export type Bar = { most: number } | { least: number };

/** One line of a result. */
export interface Row {
  name: string;
  value: number;
  /** Such as `ms`; empty for a plain number. */
  unit: string;
  /** Decimal places that mean something. Default 0. */
  digits?: number;
  bar?: Bar;
}

/** A line of a result, by default a plain number. */
export function row(name: string, value: number, more: Partial<Row> = {}): Row {
  return { name, value, unit: '', ...more };
}

/** For what must not happen. */
export const NEVER = { bar: { most: 0 } } as const;

/** More figures in columns of their own: per size, per contender, per hour of the day. */
export interface Table {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

/** A table with a line for each item, and what each column says of it. */
export function tableOf<T>(
  title: string,
  items: readonly T[],
  columns: Readonly<Record<string, (item: T) => string | number>>,
): Table {
  const rows = items.map((item) => Object.values(columns).map((cell) => cell(item)));
  return { title, columns: Object.keys(columns), rows };
}

/** What a scenario found out. */
export interface Outcome {
  rows: Row[];
  tables?: Table[];
  /** What a reader must know to judge the figures: sizes, lengths, settings. */
  conditions: string[];
  versions: Versions;
}

export interface Result extends Outcome {
  scenario: string;
  measures: string;
  /** With smaller numbers, to see that it works: its figures mean little. */
  quick: boolean;
  /** RFC 3339. */
  measuredAt: string;
  /** Seconds. */
  took: number;
  /** Load average over a minute when the scenario began: other work on the machine shows here. */
  loadBefore: number;
  environment: Environment;
}

export function passes({ value, bar }: Row): boolean | undefined {
  if (!bar) return undefined;
  return 'most' in bar ? value <= bar.most : value >= bar.least;
}

function number(value: number, digits = 0): string {
  return Number.isFinite(value)
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '–';
}

function withUnit(text: string, unit: string): string {
  return unit === '' ? text : `${text} ${unit}`;
}

function rowCells(row: Row): string[] {
  const { name, value, unit, digits, bar } = row;
  const limit = bar && ('most' in bar ? `≤ ${bar.most}` : `≥ ${bar.least}`);
  const verdict = { true: 'yes', false: 'no', undefined: '' }[String(passes(row))] ?? '';
  return [name, withUnit(number(value, digits), unit), limit ? withUnit(limit, unit) : '', verdict];
}

/** The tables of a result, aligned for reading as text, in Markdown. */
export function formatTables({ rows, tables = [] }: Pick<Outcome, 'rows' | 'tables'>): string {
  const parts = [markdownTable(['', 'value', 'bar', 'met'], rows.map(rowCells))];
  for (const { title, columns, rows: cells } of tables) {
    const texts = cells.map((row) =>
      row.map((cell) => (typeof cell === 'number' ? number(cell, digitsOf(cell)) : cell)),
    );
    parts.push(`${title}\n\n${markdownTable(columns, texts)}`);
  }
  return parts.join('\n\n');
}

/** Three figures that count. */
function digitsOf(value: number): number {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 100) return 0;
  return size >= 10 ? 1 : size >= 1 ? 2 : 3;
}

function markdownTable(header: string[], rows: string[][]): string {
  const widths = header.map((name, at) => Math.max(3, name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: string[]) =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** The overview of all results, for `bench/results/README.md`. */
export function formatOverview(results: readonly Result[]): string {
  const sections = results.map((result) => {
    const { scenario, measures, environment: on, versions, conditions, quick } = result;
    const facts = [
      `${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB, ${on.system}; load ${result.loadBefore.toFixed(1)} before`,
      `Node ${on.node}, Temporal SDK ${on.temporalSdk}, Temporal server ${versions.temporalServer}, ${versions.store}, RabbitMQ ${versions.rabbitmq}`,
      `commit ${on.commit}, ${result.measuredAt.slice(0, 10)}, took ${Math.round(result.took)} s`,
      ...conditions,
    ];
    const title = `## ${scenario}${quick ? ' (quick run: figures mean little)' : ''}`;
    return `${title}\n\n${measures}\n\n${formatTables(result)}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}`;
  });
  return `# Results\n\nWritten by \`npm run bench\`; [how to read and repeat them](../README.md).\n\n${sections.join('\n\n')}\n`;
}
