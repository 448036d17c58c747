import type { Breakage } from './breakage.ts';
import { deliveryBreakages } from './delivery.ts';
import { serviceBreakages } from './service.ts';
import { storeBreakages } from './store.ts';
import { twitchBreakages } from './twitch.ts';

/** Every guard that is broken on purpose. */
export const BREAKAGES: readonly Breakage[] = [
  ...deliveryBreakages,
  ...storeBreakages,
  ...twitchBreakages,
  ...serviceBreakages,
];
