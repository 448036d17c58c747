/**
 * `npm run faults`: scripted life at a sandbox of Twitch, faults drawn from a seed, and a ledger that compares what was
 * true with what arrived. Ends with 1 when a promise is broken. `npm run faults -- --help` lists the options.
 */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { Random } from '../../sandbox/twitch/random.ts';
import { runCampaign } from './campaign.ts';
import { KINDS } from './kinds/index.ts';
import { brokenPromises, explain, outcomes } from './outcome.ts';
import { drawWaves, shortWaves } from './plan.ts';
import { asMarkdown, asText } from './table.ts';

interface Options {
  seed?: number;
  goLives: number;
  faults: number;
  kinds?: string;
  firstSight?: 'announce' | 'silent';
  short?: boolean;
  json?: boolean;
  out?: string;
  keep?: boolean;
}

const count = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number.');
  return value;
};

const {
  seed = Math.floor(Math.random() * 1e9),
  goLives,
  faults,
  kinds,
  short,
  json,
  out,
  keep,
  ...given
} = new Command('faults')
  .description(
    'Strikes the service with faults and checks that no stream is lost and none announced otherwise than promised.',
  )
  .option('--seed <number>', 'what life and faults are drawn from; default: any', count)
  .option('--go-lives <number>', 'least number of streams', count, 1_000)
  .option('--faults <number>', 'number of faults', count, 200)
  .option('--kinds <texts>', 'only kinds whose name contains one of these, separated by commas')
  .addOption(new Option('--first-sight <mode>', 'default: drawn from the seed').choices(['announce', 'silent']))
  .option('--short', 'the short run of the test suite: every kind once')
  .option('--json', 'print the outcome as JSON')
  .option('--out <file>', 'write the table as Markdown')
  .option('--keep', 'keep the logs of workers and services, also when all is well')
  .parse()
  .opts<Options>();

const chosen = KINDS.filter(({ name }) => kinds?.split(',').some((text) => name.includes(text)) ?? true);
if (chosen.length === 0) {
  process.stderr.write(
    `no kind of fault contains ${kinds}; there are:\n${KINDS.map(({ name }) => `  ${name}\n`).join('')}`,
  );
  process.exit(2);
}
const random = new Random(seed);
const plan = random.fork('plan');
const waves = short ? shortWaves(plan) : drawWaves(plan, faults, chosen);
const say = (line: string) => process.stderr.write(`${line}\n`);
say(`seed ${seed}: ${waves.flat(2).length} faults in ${waves.length} waves`);

const result = await runCampaign({
  seed,
  waves,
  goLives: short ? 0 : goLives,
  goLivesPerSecond: short ? 3 : 1.2,
  firstSight: given.firstSight ?? random.fork('first sight').pick(['announce', 'announce', 'silent']),
  pauseMs: short ? 0 : 1_500,
  say,
  onStart(system) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        say('stopping');
        void system.stop({ keepFiles: keep === true }).finally(() => process.exit(130));
      });
    }
  },
});
const broken = brokenPromises(result);
await result.system.stop({ keepFiles: keep === true || broken.length > 0 });

if (json) {
  const { verdict, seconds, firstSight } = result;
  process.stdout.write(
    `${JSON.stringify({ seed, firstSight, seconds, broken, kinds: outcomes(result), ...verdict }, null, 2)}\n`,
  );
} else {
  process.stdout.write(`\n${asText(result)}\n`);
}
if (out) writeFileSync(out, asMarkdown(result));
for (const { what, streamIds } of broken) {
  say(`\nBROKEN: ${what}`);
  for (const streamId of streamIds.slice(0, 20)) say(explain(streamId, result));
}
if (broken.length > 0 || keep) say(`\nlogs of workers and services: ${result.system.dir}`);
process.exit(broken.length > 0 ? 1 : 0);
