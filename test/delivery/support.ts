import { Redis } from 'ioredis';
import { randomPrefix, redis } from '../support/services.ts';

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
