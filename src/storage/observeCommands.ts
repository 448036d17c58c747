import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { harmless } from '../lib/harmless.ts';

/** How one command ended. */
export interface CommandOutcome {
  /** Redis's name of it in lower case; a script by its own name. */
  command: string;
  ms: number;
  error?: Error;
}

/**
 * Has a connection tell how its commands end, but for those by which ioredis greets a server.
 *
 * @param scripts the connection's own, by name
 * @param onCommand what it throws is ignored
 */
export function observeCommands(
  connection: Redis,
  scripts: Record<string, { lua: string }>,
  onCommand: (outcome: CommandOutcome) => void,
): void {
  const tell = harmless(onCommand);
  // A script is called by its hash.
  const names = new Map(
    Object.entries(scripts).map(([name, { lua }]) => [createHash('sha1').update(lua).digest('hex'), name]),
  );
  const send = connection.sendCommand.bind(connection);
  connection.sendCommand = (command, ...more) => {
    const greets = connection.status === 'connect';
    const sent = send(command, ...more);
    if (greets) return sent;
    const startedMs = performance.now();
    const end = (error?: Error) => {
      const name = (command.name === 'evalsha' && names.get(String(command.args[0]))) || command.name;
      tell({ command: name, ms: performance.now() - startedMs, ...(error && { error }) });
    };
    command.promise.then(() => end(), end);
    return sent;
  };
}
