import { join } from 'node:path';
import type { TwitchStandIn } from '../../sandbox/system.ts';
import { type Remote, startRemote } from './remote.ts';
import type { SandboxCalls, SandboxStart } from './sandboxProcess.ts';

/** A Twitch sandbox in a process of its own: it shares no event loop with what is measured. */
export type RemoteSandbox = TwitchStandIn & Remote<SandboxCalls>;

export async function startRemoteSandbox(options: SandboxStart): Promise<RemoteSandbox> {
  const remote = startRemote<SandboxCalls>(join(import.meta.dirname, 'sandboxProcess.ts'));
  return { ...remote, settings: await remote.calls.start(options) };
}
