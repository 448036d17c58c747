import { Command, CommanderError } from 'commander';
import { addAlertCommands } from './alerts/commands.ts';
import { perform, subcommand, withExamples } from './command.ts';
import { CommandError, describeError, EXIT, wantsStacks } from './errors.ts';
import { addScheduleCommands } from './schedule/commands.ts';
import { addTargetCommands } from './targets/commands.ts';
import { addViewCommands } from './views/commands.ts';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('client')
    .description('Schedules polls, manages targets, and shows how stream-poller does.')
    .configureHelp({ commandUsage: (command) => `npm run client -- ${usage(command)}` })
    // Before any subcommand is added: they inherit it.
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)');
  withExamples(program, [
    'status',
    'schedule apply',
    'targets add user --login pixelpanda',
    'targets import ids.txt',
    'watch',
  ]);
  subcommand(program, 'status', 'show how everything does; exits with 1 when something needs attention', [
    'status',
    'status --json | jq .problems',
  ]).action(perform(async () => (await import('./status/command.ts')).status));
  addScheduleCommands(program);
  addTargetCommands(program);
  addViewCommands(program);
  addAlertCommands(program);
  subcommand(program, 'watch', 'print stream.online events as they are published; the queue keeps its messages', [
    'watch',
    'watch --json | jq .user_login',
  ]).action(perform(async () => (await import('./watch/command.ts')).watch));
  return program;
}

function usage(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return [...names, command.usage()].join(' ');
}

/**
 * Runs one command line.
 *
 * @param args without the program's own name
 * @returns the exit code: 0 done, 1 failed or something needs attention, 2 the command line is wrong
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    // Commander has printed its message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(`${describeError(error)}${wantsStacks() ? stacks(error) : ''}\n`);
    return error instanceof CommandError ? error.exitCode : EXIT.failed;
  }
}

/** Of an error and its causes. Nothing else: other properties of a connection's errors may hold what it connected with. */
function stacks(error: unknown, lead = ''): string {
  if (!(error instanceof Error)) return '';
  return `\n${lead}${error.stack ?? error.message}${stacks(error.cause, 'caused by ')}`;
}
