import type { Command } from 'commander';
import { perform, subcommand } from './command.ts';
import { EXIT } from './errors.ts';
import type { Output } from './output.ts';
import { settingsFor } from './settings.ts';
import { formatEvent, watchEvents } from './watch.ts';

/** Adds `watch`: prints events as they are published. */
export function addWatchCommand(program: Command): void {
  subcommand(program, 'watch', 'print stream.online events as they are published; the queue keeps its messages', [
    'watch',
    'watch --json | jq .user_login',
  ]).action(perform(watch));
}

async function watch(output: Output): Promise<number> {
  const { RABBITMQ_URL: url } = settingsFor(['RABBITMQ_URL']);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await watchEvents({
      url,
      onEvent: (event) => output.answer(formatEvent(event), event),
      onState: (words) => output.note(`— ${words}`),
      signal: ending.signal,
    });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
  return EXIT.ok;
}
