import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type {
  SandboxAddresses,
  SandboxCommand,
  SandboxCommands,
  SandboxReply,
  SandboxRequest,
  SandboxStart,
} from './sandboxProtocol.ts';

type Remote = {
  [K in Exclude<SandboxCommand, 'start'>]: (
    ...args: Parameters<SandboxCommands[K]>
  ) => Promise<Awaited<ReturnType<SandboxCommands[K]>>>;
};

/** A Twitch sandbox in another process. */
export type RemoteSandbox = Remote & SandboxAddresses & { pid: number; close(): Promise<void> };

export async function startRemoteSandbox(options: SandboxStart): Promise<RemoteSandbox> {
  const child = fork(join(import.meta.dirname, 'sandboxProcess.ts'));
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  child.on('message', ({ id, result, error }: SandboxReply) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new Error(`the sandbox: ${error}`));
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the sandbox has ended'));
  });
  const call = (command: SandboxCommand, ...args: unknown[]): Promise<unknown> => {
    const id = ++lastId;
    const waiter = Promise.withResolvers<unknown>();
    waiting.set(id, waiter);
    child.send({ id, command, args } satisfies SandboxRequest);
    return waiter.promise;
  };
  const remote = <K extends keyof Remote>(command: K) => ((...args: unknown[]) => call(command, ...args)) as Remote[K];

  const addresses = (await call('start', options)) as SandboxAddresses;
  return {
    ...addresses,
    pid: child.pid as number,
    trickle: remote('trickle'),
    stopTrickle: remote('stopTrickle'),
    goneLive: remote('goneLive'),
    liveIds: remote('liveIds'),
    writeUserIds: remote('writeUserIds'),
    userIds: remote('userIds'),
    stats: remote('stats'),
    requests: remote('requests'),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
