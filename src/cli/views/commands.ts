import { type Command, Option } from 'commander';
import { perform, subcommand, wholeNumber } from '../command.ts';

const actions = () => import('./actions.ts');

/** Adds `live`, `events` and `polls`: what there is to look at. */
export function addViewCommands(program: Command): void {
  const view = (name: string, description: string, most: number, examples: string[]) =>
    subcommand(program, name, description, examples)
      .addOption(new Option('--limit <count>', 'how many at most').argParser(wholeNumber(1, most)).default(20))
      .option(
        '--url <url>',
        'ask the worker that serves HTTP there, instead of the store (ADMIN_TOKEN if it wants one)',
      );

  view('live', 'list who is live', 1_000, [
    'live',
    'live --game 509658',
    'live --search pixel',
    'live --url http://127.0.0.1:8080',
  ])
    .option('--game <id>', 'only in this game')
    .option('--search <text>', 'only users whose login begins so, or whose id it is')
    .action(perform(async () => (await actions()).live));
  view('events', 'list the latest announcements, and what became of each', 500, [
    'events',
    'events --limit 100 --json',
  ]).action(perform(async () => (await actions()).events));
  view('polls', 'list what the latest polls have reported', 500, ['polls', 'polls --json | jq .polls[0]']).action(
    perform(async () => (await actions()).polls),
  );
}
