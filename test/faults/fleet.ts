import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, type Observer, startFaultProxy } from '../../sandbox/faultProxy.ts';
import type { System, SystemWorker } from '../../sandbox/system.ts';

/** What a worker talks to through a proxy of its own. */
export type Line = 'store' | 'broker' | 'twitch';

/** A place for a worker process: it has proxies of its own, so that bytes can be told apart by worker. */
export interface Slot {
  readonly no: number;
  readonly lines: Record<Line, FaultProxy>;
  worker: SystemWorker;
  /** Under way to be replaced or removed. */
  changing: boolean;
}

interface Watcher {
  line: Line;
  make: (slot: Slot) => Observer;
  stops: (() => void)[];
}

function watch(slot: Slot, { line, make, stops }: Watcher): void {
  stops.push(slot.lines[line].observe(make(slot)));
}

/** How long whoever runs the workers takes to notice that one has ended, and to start another. */
const RESTART_MS = 300;

/** The worker processes, kept alive as an orchestrator would. */
export class Fleet {
  readonly slots: Slot[] = [];
  /** Workers that ended although nobody told them to: the end of each one's log. */
  readonly deaths: string[] = [];
  readonly #system: System;
  readonly #watchers = new Set<Watcher>();
  #slots = 0;
  #stopped = false;

  constructor(system: System) {
    this.#system = system;
  }

  /** Starts one more worker. It need not be ready yet when this returns. */
  async add(): Promise<Slot> {
    const { services, sandbox } = this.#system;
    const proxied = async (url: string) => {
      const { hostname: host, port } = new URL(url);
      return startFaultProxy({ target: { host, port: Number(port) } });
    };
    const lines = {
      store: await proxied(services.redisUrl),
      broker: await proxied(services.rabbitmqUrl),
      twitch: await proxied(sandbox.url),
    };
    const slot: Slot = { no: this.#slots++, lines, worker: undefined as unknown as SystemWorker, changing: false };
    for (const watcher of this.#watchers) watch(slot, watcher);
    await this.#launch(slot);
    this.slots.push(slot);
    return slot;
  }

  /** Takes a worker away, in order. */
  async remove(slot: Slot): Promise<void> {
    slot.changing = true;
    this.slots.splice(this.slots.indexOf(slot), 1);
    await slot.worker.stop();
    await Promise.all(Object.values(slot.lines).map((line) => line.close()));
  }

  /** kill −9. Resolves when the process is gone; another is started in its place soon after. */
  async kill(slot: Slot): Promise<{ restarted: Promise<void> }> {
    slot.changing = true;
    await slot.worker.kill();
    const restarted = sleep(RESTART_MS).then(() => this.#launch(slot));
    restarted.catch(() => undefined);
    return { restarted };
  }

  /** Starts the successor, and stops the old one in order when that is ready. */
  async roll(slot: Slot): Promise<void> {
    const old = slot.worker;
    slot.changing = true;
    const next = await this.#start(slot);
    await next.ready();
    this.#adopt(slot, next);
    await old.stop();
  }

  /** Stops every worker in order; none is started until {@link resume}. */
  async pause(): Promise<void> {
    for (const slot of this.slots) slot.changing = true;
    await Promise.all(this.slots.map(({ worker }) => worker.stop()));
  }

  async resume(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.#launch(slot)));
  }

  /** Every worker says that it is ready. */
  async ready(): Promise<boolean> {
    if (this.slots.some((slot) => slot.changing)) return false;
    const answers = this.slots.map(async ({ worker }) => {
      const response = await fetch(worker.healthUrl, { signal: AbortSignal.timeout(3_000) });
      await response.body?.cancel();
      return response.status === 200;
    });
    const all = await Promise.all(answers).catch(() => [false]);
    return all.every(Boolean);
  }

  /** Watches a line of every worker, those included that are added later, until the returned function is called. */
  observe(line: Line, make: (slot: Slot) => Observer): () => void {
    const watcher: Watcher = { line, make, stops: [] };
    this.#watchers.add(watcher);
    for (const slot of this.slots) watch(slot, watcher);
    return () => {
      this.#watchers.delete(watcher);
      for (const stop of watcher.stops) stop();
    };
  }

  /** Resolves when a worker asks Twitch for streams, or after so long. */
  async nextRequest(withinMs: number): Promise<void> {
    const asked = Promise.withResolvers<void>();
    const stop = this.observe('twitch', () => (direction, chunk) => {
      if (direction === 'toServer' && chunk.includes('/helix/streams')) asked.resolve();
      return undefined;
    });
    const timer = setTimeout(asked.resolve, withinMs);
    await asked.promise;
    clearTimeout(timer);
    stop();
  }

  /** The proxies of one line. */
  lines(line: Line): FaultProxy[] {
    return this.slots.map(({ lines }) => lines[line]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.slots.map(({ worker }) => worker.kill()));
    await Promise.all(this.slots.flatMap(({ lines }) => Object.values(lines).map((line) => line.close())));
  }

  async #launch(slot: Slot): Promise<void> {
    if (this.#stopped) return;
    this.#adopt(slot, await this.#start(slot));
  }

  #start({ lines }: Slot): Promise<SystemWorker> {
    const { services, sandbox } = this.#system;
    return this.#system.startWorker({
      wait: false,
      env: {
        DRAGONFLY_URL: lines.store.url(services.redisUrl),
        RABBITMQ_URL: lines.broker.url(services.rabbitmqUrl),
        TWITCH_API_URL: lines.twitch.url(sandbox.apiUrl),
        TWITCH_AUTH_URL: lines.twitch.url(sandbox.authUrl),
      },
    });
  }

  #adopt(slot: Slot, worker: SystemWorker): void {
    slot.worker = worker;
    slot.changing = false;
    worker.died.catch((error: Error) => {
      if (this.#stopped) return;
      this.deaths.push(error.message);
      if (slot.worker === worker) void this.#launch(slot).catch(() => undefined);
    });
  }
}
