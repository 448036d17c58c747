import { Argument, type Command, Option } from 'commander';
import { TARGET_KINDS as KINDS } from '../../poll/model.ts';
import { perform, subcommand, wholeNumber, withExamples } from '../command.ts';

const actions = () => import('./actions.ts');

/** Adds `targets …`: the users and games to watch. */
export function addTargetCommands(program: Command): void {
  const targets = withExamples(program.command('targets').description('the users and games to watch'), [
    'targets add user 141981764 12826',
    'targets add game --name "Just Chatting"',
    'targets list',
  ]);
  const named = (command: Command) =>
    command
      .addArgument(new Argument('<kind>', 'what the ids are').choices(KINDS))
      .argument('[ids...]', 'Twitch ids')
      .option('--login <logins...>', 'login names of users, looked up at Twitch')
      .option('--name <names...>', 'exact names of games, looked up at Twitch');

  named(
    subcommand(targets, 'add', 'watch users or games', [
      'targets add user 141981764 12826',
      'targets add user --login pixelpanda',
      'targets add game --name "Just Chatting"',
    ]),
  ).action(perform(async () => (await actions()).add));
  named(
    subcommand(targets, 'remove', 'watch them no longer; streams that only they showed leave the live set', [
      'targets remove user 141981764',
      'targets remove game --name "Just Chatting"',
    ]),
  ).action(perform(async () => (await actions()).remove));

  subcommand(targets, 'list', 'list them as lines that "targets import" reads, and count them', [
    'targets list',
    'targets list user --limit 1000 --after 141981764',
    'targets list --all > targets.txt',
    'targets list --refused',
    'targets list --gone',
  ])
    .addArgument(new Argument('[kind]', 'only these').choices(KINDS))
    .addOption(new Option('--limit <count>', 'how many at most').argParser(wholeNumber(1, 10_000_000)).default(100))
    .option('--all', 'all of them')
    .option('--after <id>', 'go on behind this id (with a kind)')
    .option('--gone', 'only the users that Twitch no longer knows')
    .option('--refused', 'only those that Twitch refuses, with the reason and the time')
    .action(perform(async () => (await actions()).list));

  subcommand(targets, 'import', 'add thousands or millions from a file, or from standard input (-)', [
    'targets import ids.txt',
    'targets import --kind game games.csv --dry-run',
    'targets list --all | ssh elsewhere npm run client -- targets import -',
  ])
    .argument('<file>', 'lines of user:ID, game:ID, login:NAME, game-name:NAME, or ids alone; CSV: the first column')
    .addOption(
      new Option('--kind <kind>', 'what ids alone are (default: user, or what a CSV header says)').choices(KINDS),
    )
    .option('--dry-run', 'only check the lines; store nothing and look nothing up')
    .option('--skip-bad', 'exit with 0 although there were bad lines')
    .action(perform(async () => (await import('./import/command.ts')).importCommand));
}
