import { Redis } from 'ioredis';
import { randomPrefix, redis } from '../support/services.ts';
import type { TestApp } from '../workflows/app.ts';

/** A user of the shared store who may be forbidden to write: what it then answers is an error of its own, to each command. */
export async function storeUser(): Promise<{ url: string; mayWrite(may: boolean): Promise<void>; admin: Redis }> {
  const name = randomPrefix();
  const url = new URL((await redis()).url);
  const admin = new Redis(url.href);
  await admin.call('ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all');
  url.username = name;
  url.password = name;
  return {
    url: url.href,
    admin,
    async mayWrite(may) {
      await admin.call('ACL', 'SETUSER', name, may ? '+set' : '-set');
    },
  };
}

/**
 * A user goes live in each of so many batches of a poll, and the broker is away.
 *
 * @param pageMs how long Twitch takes for a page
 * @returns ids of the streams
 */
export async function liveWithoutBroker(app: TestApp, batches: number, pageMs: number): Promise<string[]> {
  const { faults, world } = app.sandbox;
  world.populate({ users: batches * 100 });
  const users = world.userIds(batches * 100);
  await app.store.targets.add('user', users, 0);
  faults.add({ kind: 'slowHeaders', delayMs: pageMs, match: { endpoint: 'streams' } });
  await app.brokerProxy.refuse(true);
  app.brokerProxy.reset();
  return Array.from({ length: batches }, (_, i) => world.goLive({ userId: String(users[i * 100 + 7]) }).id);
}
