import { lastLines } from '../../scripts/background.mjs';
import { PortTakenError, untilReady } from './ports.ts';
import { logFile, type ManagedProcess, type ProcessOptions, startProcess } from './process.ts';

/** A rabbitmq-server on a busy machine with cold caches is the slowest of them. */
const READY_WITHIN_MS = 120_000;
const PORT_TAKEN = /eaddrinuse|address already in use|could not create server|can't (be )?(set|bind|listen)/i;

export interface ServerOptions extends ProcessOptions {
  /** What it is, for error messages. */
  what: string;
  /** Whether it serves by now. */
  isReady: () => Promise<boolean>;
}

/**
 * Starts a server and waits until it serves.
 *
 * @throws PortTakenError when its log tells of that; otherwise with the end of its log, or that it did not answer in time
 */
export async function startServer({ what, isReady, ...options }: ServerOptions): Promise<ManagedProcess> {
  const server = await startProcess(options);
  const log = logFile(options.dir, options.name);
  try {
    await untilReady(isReady, {
      what,
      timeoutMs: READY_WITHIN_MS,
      givenUp: () => (server.running ? undefined : new Error(`${what} ended at once:\n${lastLines(log)}`)),
    });
    return server;
  } catch (error) {
    await server.kill();
    throw PORT_TAKEN.test(lastLines(log, 60)) ? new PortTakenError(String(error)) : error;
  }
}

/** A server, and what runs for it alone. */
export type Processes = readonly [server: ManagedProcess, ...helpers: ManagedProcess[]];

/** A server of ours that can be stopped, frozen, killed and started again, always on the same ports. */
export class LocalService {
  readonly #launch: () => Promise<Processes>;
  #processes: Processes;

  /** @param launch starts it again as it was started for `processes` */
  constructor(processes: Processes, launch: () => Promise<Processes>) {
    this.#processes = processes;
    this.#launch = launch;
  }

  get pid(): number {
    return this.#processes[0].pid;
  }

  /** Stops it in order. */
  async stop(): Promise<void> {
    await this.#processes[0].stop();
    await this.kill();
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()));
  }

  /** Starts it again after `stop` or `kill`, with what it has kept. */
  async start(): Promise<void> {
    if (!this.#processes[0].running) this.#processes = await this.#launch();
  }

  /** Freezes it: connections stay open and nobody answers. */
  pause(): void {
    this.#processes[0].pause();
  }

  resume(): void {
    this.#processes[0].resume();
  }
}
