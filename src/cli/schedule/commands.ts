import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { perform, subcommand, wholeNumber, withExamples } from '../command.ts';

const actions = () => import('./actions.ts');

/** Adds `schedule …`: the Temporal Schedule that starts the polls. */
export function addScheduleCommands(program: Command): void {
  const schedule = withExamples(
    program.command('schedule').description('the Temporal Schedule that starts the polls'),
    ['schedule apply', 'schedule pause --note "Twitch maintenance"', 'schedule trigger --wait'],
  );
  const add = (name: string, description: string, examples: string[]) =>
    subcommand(schedule, name, description, examples);

  add('apply', 'create the schedule or update it; an operator’s pause is kept', [
    'schedule apply',
    'schedule apply --interval 60',
  ])
    .option(
      '--interval <seconds>',
      'seconds between two polls (default: POLL_INTERVAL_SECONDS, 30)',
      wholeNumber(1, 86_400),
    )
    .action(perform(async () => (await actions()).apply));
  add('pause', 'start no more polls; a running one goes on', ['schedule pause --note "Twitch maintenance"'])
    .option('--note <text>', 'why, for others to read', operatorNote('paused'))
    .action(perform(async () => (await actions()).pause));
  add('resume', 'start polls again', ['schedule resume'])
    .option('--note <text>', 'why, for others to read', operatorNote('resumed'))
    .action(perform(async () => (await actions()).resume));
  add('trigger', 'start a poll now, or right behind the running one', ['schedule trigger', 'schedule trigger --wait'])
    .option('--wait', 'wait for the poll to end and print its report')
    .option('--timeout <seconds>', 'with --wait: how long to wait', wholeNumber(1, 86_400), 3_600)
    .action(perform(async () => (await actions()).trigger));
  add('describe', 'show what the schedule does and did', ['schedule describe', 'schedule describe --json']).action(
    perform(async () => (await actions()).describe),
  );
  add('delete', 'remove the schedule; targets and what was announced are kept', ['schedule delete']).action(
    perform(async () => (await actions()).remove),
  );
}

function operatorNote(what: string): string {
  return `${what} by ${userInfo().username} on ${hostname()}`;
}
