import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import type { FaultOrder } from '../../sandbox/twitch/faults.ts';
import { Secret } from '../../src/config/secret.ts';
import { createLogger } from '../../src/lib/log.ts';
import { DEFAULT_INSTANCE } from '../../src/poll/names.ts';
import { QUEUE } from '../../src/publisher/topology.ts';
import { connectStore } from '../../src/storage/dragonfly.ts';
import { keyPrefix } from '../../src/storage/keys.ts';
import { storeOn } from '../../src/storage/store.ts';
import { resumeSchedule } from '../../src/temporal/schedule/actions.ts';
import type { ScenarioContext } from './scenario.ts';
import type { BenchSystem } from './system.ts';

/** Something that is wrong for a while. */
export interface Trouble {
  name: string;
  begin(): unknown;
  /** Called every second while it lasts. */
  again?(): unknown;
  end(): unknown;
}

type Defer = Pick<ScenarioContext, 'defer'>;

/** A proxy before each service, and the settings with which a worker goes through them. */
export async function startProxies({ services, env }: BenchSystem, { defer }: Defer) {
  const start = async (url: string) => {
    const { hostname, port } = new URL(url);
    const proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } });
    defer(() => proxy.close());
    return proxy;
  };
  const { TWITCH_API_URL: apiUrl = '', TWITCH_AUTH_URL: authUrl = '' } = env;
  const twitch = await start(apiUrl);
  const broker = await start(services.rabbitmqUrl);
  const store = await start(services.redisUrl);
  const temporal = await start(`tcp://${services.temporalAddress}`);
  return {
    twitch,
    broker,
    store,
    temporal,
    env: {
      TWITCH_API_URL: twitch.url(apiUrl),
      TWITCH_AUTH_URL: twitch.url(authUrl),
      RABBITMQ_URL: broker.url(services.rabbitmqUrl),
      DRAGONFLY_URL: store.url(services.redisUrl),
      TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    },
  };
}

/** Every trouble that a worker's log is to tell of. */
export async function troublesOf(
  system: BenchSystem,
  proxies: Awaited<ReturnType<typeof startProxies>>,
  { defer }: Defer,
): Promise<Trouble[]> {
  const { services, sandbox, client } = system;
  const redis = new Redis(services.redisUrl, { protocol: 2 });
  const broker = await connect(services.rabbitmqUrl);
  const channel = await broker.createChannel();
  const store = storeOn(
    connectStore({ url: new Secret(services.redisUrl), logger: createLogger('silent') }),
    keyPrefix(DEFAULT_INSTANCE),
  );
  defer(async () => {
    redis.disconnect();
    store.connection.disconnect();
    await broker.close();
  });
  const users = await sandbox.userIds();

  const twitch = (name: string, order: FaultOrder): Trouble => ({
    name,
    begin: () => sandbox.fault(order),
    end: () => sandbox.wellAgain(),
  });
  const away = (name: string, proxy: FaultProxy): Trouble => ({
    name,
    async begin() {
      await proxy.refuse(true);
      proxy.reset();
    },
    end: () => proxy.restore(),
  });
  const flapping = (name: string, proxy: FaultProxy): Trouble => ({
    name,
    begin: () => undefined,
    again: () => proxy.reset(),
    end: () => undefined,
  });
  const match = { endpoint: 'streams' } as const;
  return [
    twitch('Twitch answers 500', { kind: 'status', status: 500, match }),
    twitch('Twitch answers 401', { kind: 'status', status: 401, match }),
    twitch('Twitch answers 429', { kind: 'rateLimit', resetInSeconds: 5, match }),
    twitch('Twitch sends unreadable entries', { kind: 'malformedEntry', match }),
    {
      name: 'Twitch refuses the client secret',
      async begin() {
        await sandbox.fault({ kind: 'status', status: 403, match: { endpoint: 'token' } });
        await sandbox.revokeTokens();
      },
      end: () => sandbox.wellAgain(),
    },
    away('Twitch away', proxies.twitch),
    away('broker away', proxies.broker),
    flapping('broker connection breaks every second', proxies.broker),
    {
      name: 'broker blocked (memory alarm)',
      begin: () => services.rabbitmq.setMemoryAlarm(true),
      end: () => services.rabbitmq.setMemoryAlarm(false),
    },
    {
      name: 'messages come back (the queue is deleted every second)',
      begin: () => undefined,
      again: () => channel.deleteQueue(QUEUE),
      end: () => undefined,
    },
    away('store away', proxies.store),
    flapping('store connection breaks every second', proxies.store),
    {
      name: 'store full',
      begin: () => redis.config('SET', 'maxmemory', '1'),
      end: () => redis.config('SET', 'maxmemory', '0'),
    },
    away('Temporal away', proxies.temporal),
    {
      name: 'schedule paused',
      begin: () => system.pause(),
      end: () => resumeSchedule(client, 'benchmark'),
    },
    {
      name: 'no targets',
      begin: () => store.targets.remove('user', users),
      end: () => store.targets.add('user', users),
    },
  ];
}
