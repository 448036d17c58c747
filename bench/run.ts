/**
 * `npm run bench [scenario…] [--quick] [--json] [--strict] [--minutes n] [--per-second n]`: measures the application against the Twitch sandbox with real
 * services, and writes `bench/results`. README.md beside this file tells what each scenario measures.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeEnvironment } from './lib/machine.ts';
import { formatOverview, formatTables, passes, type Result } from './lib/results.ts';
import { closeAll, runScenario, type Scenario } from './lib/scenario.ts';
import { ROOT } from './lib/system.ts';
import { budget } from './scenarios/budget.ts';
import { cost } from './scenarios/cost.ts';
import { frequency } from './scenarios/frequency.ts';
import { freshness } from './scenarios/freshness.ts';
import { logs } from './scenarios/logs.ts';
import { outage } from './scenarios/outage.ts';
import { reaction } from './scenarios/reaction.ts';
import { scale } from './scenarios/scale.ts';
import { web } from './scenarios/web.ts';

/** In the order in which they are run; `outage` only when it is named. */
const SCENARIOS: Record<string, Scenario> = { reaction, cost, budget, freshness, frequency, scale, logs, web, outage };

const RESULTS = join(ROOT, 'bench', 'results');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    'per-second': { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0) {
  process.stderr.write(`no such scenario: ${unknown.join(', ')}; there are ${Object.keys(SCENARIOS).join(', ')}\n`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : Object.keys(SCENARIOS).filter((name) => name !== 'outage');

// Results as JSON are all that goes to standard output then.
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeAll().finally(() => process.exit(130)));
}

const results: Result[] = [];
for (const name of names) {
  const scenario = SCENARIOS[name] as Scenario;
  say(`\n${name}: ${scenario.measures}`);
  const startedMs = performance.now();
  const elapsed = () => ((performance.now() - startedMs) / 1_000).toFixed(0).padStart(4);
  const [loadBefore = 0] = loadavg();
  try {
    const outcome = await runScenario(scenario, {
      quick: values.quick,
      ...(values.minutes && { minutes: Number(values.minutes) }),
      ...(values['per-second'] && { perSecond: Number(values['per-second']) }),
      say: (line) => say(`${elapsed()} s  ${line}`),
    });
    const result: Result = {
      scenario: name,
      measures: scenario.measures,
      quick: values.quick,
      measuredAt: new Date().toISOString(),
      took: (performance.now() - startedMs) / 1_000,
      loadBefore,
      environment: describeEnvironment(ROOT),
      ...outcome,
    };
    results.push(result);
    say(`\n${formatTables(result)}`);
    // A quick run, or one of another length, is no result: it must not replace one.
    if (!values.quick && !values.minutes && !values['per-second']) store(result);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`✖ ${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
const missed = results.flatMap(({ rows }) => rows.filter((row) => passes(row) === false));
if (missed.length > 0) {
  say(`\nBars that were missed: ${missed.map(({ name }) => name).join('; ')}`);
  if (values.strict) process.exitCode = 1;
}
process.exit();

/** Writes a result and, from all that there are, the overview. */
function store(result: Result): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${result.scenario}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const all = Object.keys(SCENARIOS).flatMap((name) => {
    const file = join(RESULTS, `${name}.json`);
    return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8')) as Result] : [];
  });
  writeFileSync(join(RESULTS, 'README.md'), formatOverview(all));
}
