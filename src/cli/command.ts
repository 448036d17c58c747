import { type Command, InvalidArgumentError } from 'commander';
import { Output } from './output.ts';

/** What a command's action gets besides its arguments and options. It returns the exit code, or throws. */
export type Action<A extends unknown[]> = (output: Output, ...args: A) => Promise<number>;

/** Adds one command with `--json`, and examples below its help. */
export function subcommand(parent: Command, usage: string, description: string, examples: readonly string[]): Command {
  return withExamples(parent.command(usage).description(description), examples).option(
    '--json',
    'print one JSON value on standard output, words on standard error',
  );
}

/** Adds examples below a command's help. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  npm run client -- ${example}`).join('\n')}`,
  );
}

/**
 * Makes a command's action, and what it returns the process's exit code. `load` imports the action when it is wanted: the
 * clients of Temporal, Twitch and RabbitMQ take longer to load than most commands take.
 */
export function perform<A extends unknown[]>(load: () => Promise<Action<A>>): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.pop() as Command;
    const { json } = command.opts<{ json?: boolean }>();
    const action = await load();
    process.exitCode = await action(new Output(json === true), ...(given as A));
  };
}

/** Reads an option that is a whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}
