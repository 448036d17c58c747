import { setTimeout as sleep } from 'node:timers/promises';
import { lagsMs } from './arrivals.ts';
import type { RemoteSandbox } from './remoteSandbox.ts';
import type { GoneLive } from './sandboxProcess.ts';

/** All in one request. */
export const USERS = 100;
/** More than the 20 that an answer holds when nobody asks for more. */
export const LIVE = 60;
export const GO_LIVES_PER_SECOND = 4;
/** Two polls after the last go-live, and a second for whatever hangs. */
const SETTLE_MS = 3_000;

/** How soon after the answer that first showed them streams arrived. */
export interface Reactions {
  goneLive: number;
  ms: number[];
  missed: number;
}

/** Lets streams go live for so long, and waits until they are found. @returns all that ever went live */
export async function trickle(sandbox: RemoteSandbox['calls'], seconds: number): Promise<GoneLive[]> {
  await sandbox.trickle({ seconds, perSecond: GO_LIVES_PER_SECOND, spread: 'random', keepLive: LIVE + 10 });
  await sleep(SETTLE_MS);
  return sandbox.goneLive();
}

export function reactions(goneLive: readonly GoneLive[], atMs: ReadonlyMap<string, number>): Reactions {
  const ms = lagsMs(goneLive, atMs, 'servedMs');
  return { goneLive: goneLive.length, ms, missed: goneLive.length - ms.length };
}
