import { readFileSync, writeFileSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { Metrics } from '../src/worker/metrics/index.ts';
import { PREFIX } from '../src/worker/metrics/instruments.ts';

const DOCUMENT = new URL('../docs/metrics.md', import.meta.url);

/** As prom-client keeps a metric; its types name none of these but `name`. */
interface Registered {
  name: string;
  help: string;
  type: string;
  labelNames: readonly string[];
}

function table(registry: Registry, ours: boolean): string {
  const metrics = registry.getMetricsAsArray() as unknown as Registered[];
  const rows = metrics
    .filter(({ name }) => name.startsWith(PREFIX) === ours)
    .map(({ name, help, type, labelNames }) => {
      const labels = labelNames.length > 0 ? `{${labelNames.join(', ')}}` : '';
      return `| \`${name}${labels}\` | ${type} | ${help.replaceAll('|', '\\|')} |`;
    });
  return ['| metric | type | what it is |', '|---|---|---|', ...rows, ''].join('\n');
}

/** The document with the tables as they should be, from what a worker registers. */
export function metricsDocument(document = readFileSync(DOCUMENT, 'utf8')): string {
  const { registries } = new Metrics(() => {
    throw new Error('nothing is read for the document');
  });
  const tables: Record<string, string> = {
    process: table(registries.process, true),
    system: table(registries.system, true),
    runtime: table(registries.process, false),
  };
  return document.replace(
    /(<!-- (\w+) -->\n)[\s\S]*?(<!-- \/\2 -->)/g,
    (_, before: string, name: string, after: string) => `${before}${tables[name]}${after}`,
  );
}

if (import.meta.main) writeFileSync(DOCUMENT, metricsDocument());
