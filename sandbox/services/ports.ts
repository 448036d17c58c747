import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Below the range from which operating systems take the ports of outgoing connections (from 32768 on Linux, 49152
 * elsewhere). A port from that range could be taken by any connection while a service is down for a restart; worse, a
 * client that reconnects to it could be connected to itself.
 */
const LOWEST = 10_000;
const HIGHEST = 29_999;

const handedOut = new Set<number>();

/**
 * A port on 127.0.0.1 that nobody listens on. This process never hands out the same one twice; between processes the
 * choice is random among 20,000, and {@link withFreePorts} covers the remaining chance.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found from ${LOWEST} to ${HIGHEST} on 127.0.0.1`);
}

/** Whether this process could listen on a port of 127.0.0.1 now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Says that a service could not listen because its port was taken in the meantime. */
export class PortTakenError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PortTakenError';
  }
}

/** Runs `start` with free ports, and again with others when one of them was taken before the service got it. */
export async function withFreePorts<T>(count: number, start: (ports: number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports: number[] = [];
    while (ports.length < count) ports.push(await freePort());
    try {
      return await start(ports);
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === 3) throw error;
    }
  }
}

/**
 * Connects, sends `question` and reads until the answer satisfies `isAnswer`: the cheapest proof that a server serves
 * and not only listens. `timeoutMs` is for all of it, also when bytes that are no answer keep coming.
 */
export function ask(
  port: number,
  question: string | Buffer,
  isAnswer: (answer: Buffer) => boolean,
  timeoutMs = 2_000,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    let answer = Buffer.alloc(0);
    const finish = (result: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, false);
    socket.on('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (isAnswer(answer)) finish(true);
    });
  });
}

export interface ReadyOptions {
  /** What is waited for, for the error message. */
  what: string;
  timeoutMs: number;
  intervalMs?: number;
  /** Checked between attempts: returns why waiting is pointless, for example that the process has ended. */
  givenUp?: () => Error | undefined;
}

/** Repeats `check` until it says yes. */
export async function untilReady(check: () => Promise<boolean>, options: ReadyOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  while (!(await check())) {
    const reason = options.givenUp?.();
    if (reason) throw reason;
    if (Date.now() > deadline) throw new Error(`${options.what} did not answer within ${options.timeoutMs / 1000} s`);
    await sleep(options.intervalMs ?? 50);
  }
}
