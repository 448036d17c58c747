import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { createProgram } from '../../src/cli/program.ts';
import { runClient } from './harness.ts';

const COMMANDS = ['status', 'schedule', 'targets', 'watch', 'help'];
const SUBCOMMANDS = ['apply', 'pause', 'resume', 'trigger', 'describe', 'delete', 'add', 'remove', 'list', 'import'];
const OPTIONS = ['--json', '--interval', '--note', '--wait', '--timeout', '--login', '--name', '--limit', '--all'];
const MORE_OPTIONS = [
  '--after',
  '--kind',
  '--dry-run',
  '--skip-bad',
  '--help',
  '-h',
  '--',
  '-',
  '--no-json',
  '--limit=',
];
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...SUBCOMMANDS) },
  { weight: 3, arbitrary: fc.constantFrom(...OPTIONS, ...MORE_OPTIONS) },
  fc.constantFrom('user', 'game', '0', '-1', '1e3', '999999999999', '141981764', '__proto__', 'constructor', ''),
  fc.string(),
  fc.string({ unit: 'binary' }),
);
const pair = fc.constantFrom(
  ['targets', 'add', 'user'],
  ['targets', 'import'],
  ...SUBCOMMANDS.flatMap((name) => [
    ['schedule', name],
    ['targets', name],
  ]),
);
const beginning = fc.oneof(
  pair,
  fc.constantFrom(...COMMANDS).map((name) => [name]),
  word.map((text) => [text]),
);
const commandLine = fc.tuple(beginning, fc.array(word, { maxLength: 5 })).map((parts) => parts.flat());

/** Calls `act` in place of what each command does, and collects what is printed. */
function harmless(command: Command, print: (text: string) => void, act: (name: string) => void): Command {
  command.configureOutput({ writeOut: print, writeErr: print });
  for (const each of command.commands) harmless(each, print, act);
  if (command.commands.length === 0) command.action(() => act(command.name()));
  return command;
}

test('any command line is carried out or refused with words and the exit code of a wrong one', async () => {
  const outcomes: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(commandLine, async (args) => {
      let printed = '';
      let ran: string | undefined;
      const program = harmless(
        createProgram(),
        (text) => (printed += text),
        (name) => (ran = name),
      );
      let outcome: string;
      try {
        await program.parseAsync(args, { from: 'user' });
        outcome = `ran ${ran}`;
      } catch (error) {
        assert.ok(error instanceof CommanderError, String(error));
        assert.ok(printed.trim().length > 0, `nothing was said about ${JSON.stringify(args)}`);
        assert.doesNotMatch(printed, /^ {4}at /m);
        outcome = error.exitCode === 0 ? 'help' : 'refused';
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }),
    { numRuns: 5_000 },
  );
  for (const outcome of ['refused', 'help', 'ran status', 'ran add', 'ran apply', 'ran import']) {
    assert.ok(outcomes[outcome], `${outcome} did not occur in ${JSON.stringify(outcomes)}`);
  }
});

test('the real client ends by itself with words and without a stack, whatever it is given', async () => {
  const nowhere = {
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    DRAGONFLY_URL: 'redis://127.0.0.1:1',
    RABBITMQ_URL: 'amqp://127.0.0.1:1',
    TWITCH_API_URL: 'http://127.0.0.1:1',
    TWITCH_AUTH_URL: 'http://127.0.0.1:1',
    TWITCH_CLIENT_ID: 'id',
    TWITCH_CLIENT_SECRET: 'secret',
  };
  // It goes on until it is told to stop, also without a broker.
  const ends = commandLine.filter(([first]) => first !== 'watch');
  // A program can't be given a zero byte.
  const lines = fc.sample(ends, 24).map((args) => args.map((text) => text.replaceAll('\0', '').toWellFormed()));
  const next = lines.values();
  await Promise.all(
    [1, 2].map(async () => {
      for (const args of next) {
        const { code, stdout, stderr } = await runClient(args, nowhere, 'user:1\n');
        const shown = `${JSON.stringify(args)} gave ${code}: ${stdout}${stderr}`;
        assert.ok(code === 0 || code === 1 || code === 2, shown);
        assert.ok(stdout.length + stderr.length > 0, shown);
        assert.doesNotMatch(stdout + stderr, /^ {4}at /m, shown);
      }
    }),
  );
});
