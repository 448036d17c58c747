import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';

/**
 * Sees what arrives, in the order of its arrival. It may hold a chunk, and all that follows it in that direction of that
 * connection, by returning a promise: of `pass`, or of `drop`, which resets the connection instead of passing it on.
 */
export type Observer = (
  direction: Direction,
  chunk: Buffer,
  connection: object,
) => Promise<'pass' | 'drop'> | undefined;

export interface FaultProxyOptions {
  target: { host: string; port: number };
  /** Port to listen on, at 127.0.0.1. Default: any free one. */
  port?: number;
}

/** A TCP proxy that does to connections what networks and dying hosts do. */
export interface FaultProxy {
  readonly port: number;
  /** The same URL with the proxy's address: works for amqp:, redis:, http: and any other. */
  url(original: string): string;
  /** Holds each chunk back for this long, in both directions. */
  setLatency(ms: number): void;
  /** Resets every connection (RST); new ones are served. */
  reset(): void;
  /** On: what arrives is swallowed, new connections included, and nobody answers. Off: connections made meanwhile stay dead. */
  blackHole(on: boolean): void;
  /** Loses the server's side of every connection without telling the client, as a host that loses power does. */
  halfOpen(): void;
  /** Resets the connection through which this many more bytes have gone in that direction; once. */
  cutAfter(bytes: number, direction: Direction): void;
  /** Shows what arrives to `observer` until the function that is returned is called. */
  observe(observer: Observer): () => void;
  /** On: connections are refused, those that exist stay. */
  refuse(on: boolean): Promise<void>;
  /** Ends every fault for connections made from now on. */
  restore(): Promise<void>;
  /** Connections that their clients have not left. */
  connections(): number;
  close(): Promise<void>;
}

interface Link {
  client: Socket;
  server: Socket | undefined;
  /** Lost bytes: nothing may follow them. */
  dead: boolean;
}

/** @throws when the port is taken */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { target } = options;
  const links = new Set<Link>();
  let latencyMs = 0;
  let swallowing = false;
  let cut: { left: number; direction: Direction } | undefined;
  const observers = new Set<Observer>();

  const sever = (link: Link) => {
    links.delete(link);
    link.client.resetAndDestroy();
    link.server?.resetAndDestroy();
  };

  const carry = (link: Link, from: Socket, to: Socket, direction: Direction) => {
    let last = Promise.resolve();
    // One after the other, also when the latency has changed in between.
    const later = (act: () => void) => {
      const held = latencyMs > 0 ? sleep(latencyMs) : undefined;
      last = last.then(() => held).then(act);
    };
    const askObservers = (chunk: Buffer) => {
      for (const observer of observers) {
        const verdict = observer(direction, chunk, link);
        if (!verdict) continue;
        last = last
          .then(() => verdict)
          .then((answer) => {
            if (answer === 'pass') return;
            link.dead = true;
            sever(link);
          });
      }
    };
    from.on('data', (chunk) => {
      if (link.dead) return;
      askObservers(chunk);
      let bytes: Buffer = chunk;
      let ends = false;
      if (cut?.direction === direction) {
        bytes = bytes.subarray(0, cut.left);
        cut.left -= bytes.length;
        ends = cut.left === 0;
        if (ends) cut = undefined;
      }
      later(() => {
        if (to.writable && !link.dead) to.write(bytes, ends ? () => sever(link) : undefined);
      });
    });
    from.on('end', () => later(() => !link.dead && to.end()));
  };

  const accept = (client: Socket) => {
    const link: Link = { client, server: undefined, dead: swallowing };
    links.add(link);
    client.setNoDelay(true);
    client.on('error', () => {});
    client.on('close', () => {
      links.delete(link);
      link.server?.destroy();
    });
    if (link.dead) {
      client.resume();
      return;
    }
    const server = connect({ ...target, noDelay: true, allowHalfOpen: true });
    link.server = server;
    server.on('error', () => {
      if (link.server === server) sever(link);
    });
    server.on('close', () => {
      if (link.server === server && !link.dead) client.destroySoon();
    });
    carry(link, client, server, 'toServer');
    carry(link, server, client, 'toClient');
  };

  let server: Server | undefined;
  const listen = (port: number) =>
    new Promise<Server>((resolve, reject) => {
      const created = createServer({ allowHalfOpen: true }, accept);
      created.once('error', reject);
      created.listen(port, '127.0.0.1', () => resolve(created));
    });
  const stopListening = () =>
    new Promise<void>((resolve) => {
      server?.close();
      server = undefined;
      // The callback of close() waits for the connections, which may go on.
      setImmediate(resolve);
    });

  server = await listen(options.port ?? 0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fault proxy has no port');
  const { port } = address;

  const refuse = async (on: boolean) => {
    if (on) await stopListening();
    else server ??= await listen(port);
  };

  return {
    port,
    url(original) {
      const url = new URL(original);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      return url.href;
    },
    setLatency(ms) {
      latencyMs = ms;
    },
    reset() {
      for (const link of [...links]) sever(link);
    },
    blackHole(on) {
      swallowing = on;
      if (on) for (const link of links) link.dead = true;
    },
    halfOpen() {
      for (const link of links) {
        const { server: lost } = link;
        link.server = undefined;
        link.dead = true;
        lost?.resetAndDestroy();
      }
    },
    cutAfter(bytes, direction) {
      cut = { left: bytes, direction };
    },
    observe(observer) {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    refuse,
    async restore() {
      latencyMs = 0;
      swallowing = false;
      cut = undefined;
      await refuse(false);
    },
    connections: () => [...links].filter(({ client }) => !client.readableEnded).length,
    async close() {
      await stopListening();
      for (const link of [...links]) sever(link);
    },
  };
}
