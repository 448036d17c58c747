import type { FaultKind } from '../fault.ts';
import { brokerKinds } from './broker.ts';
import { storeKinds } from './store.ts';
import { targetKinds } from './targets.ts';
import { temporalKinds } from './temporal.ts';
import { twitchKinds } from './twitch.ts';
import { workerKinds } from './workers.ts';

/** Every kind of fault. */
export const KINDS: readonly FaultKind[] = [
  ...workerKinds,
  ...brokerKinds,
  ...storeKinds,
  ...targetKinds,
  ...temporalKinds,
  ...twitchKinds,
];
