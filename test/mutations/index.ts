import { deliveryMutations } from './delivery.ts';
import type { Mutation } from './mutation.ts';
import { serviceMutations } from './service.ts';
import { storeMutations } from './store.ts';
import { twitchMutations } from './twitch.ts';

/** Every guard that is broken on purpose. */
export const MUTATIONS: readonly Mutation[] = [
  ...deliveryMutations,
  ...storeMutations,
  ...twitchMutations,
  ...serviceMutations,
];
