import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';

interface Codec {
  encodeMethod(id: number, channel: number, fields: object): Buffer;
  encodeProperties(id: number, channel: number, size: number, fields: object): Buffer;
  info(id: number): { name: string };
  [method: string]: unknown;
}

interface Frames {
  parseFrame(bytes: Buffer, max: number): { rest: Buffer } | false;
  decodeFrame(frame: object): Frame;
  makeBodyFrame(channel: number, content: Buffer): Buffer;
}

interface Frame {
  channel: number;
  id?: number;
  fields?: Record<string, unknown>;
  size?: number;
  content?: Buffer;
}

// amqplib's own codec, past the list of what it exports: so both sides agree on the wire, and the broker's is ours.
const require = createRequire(import.meta.url);
const lib = join(dirname(require.resolve('amqplib')), 'lib');
const defs: Codec = require(join(lib, 'defs.js'));
const frames: Frames = require(join(lib, 'frame.js'));

/** A method frame to send: its name as amqplib spells it (`BasicAck`), and its fields. */
export type Method = [name: string, fields?: object];

/** A message as the broker received it. */
export interface Published {
  messageId: string;
  deliveryTag: number;
  properties: Record<string, unknown>;
  fields: Record<string, unknown>;
  content: Buffer;
}

/** One client connection, as seen from the broker. */
export interface Peer {
  /** Counts from 1 over all connections. */
  readonly no: number;
  /** Sends methods on a channel in one write, so that the client reads them at once. */
  send(channel: number, ...methods: Method[]): void;
  /** Confirms messages, in one write. */
  ack(channel: number, ...deliveryTags: number[]): void;
  /** Refuses a message; `multiple`: and all before it. */
  nack(channel: number, deliveryTag: number, multiple?: boolean): void;
  /** Hands a message back as unroutable, without confirming it. */
  returnMessage(channel: number, message: Published): void;
  /** Ends the connection without a word. */
  drop(): void;
}

export interface FakeBroker {
  readonly url: string;
  /** Connections ever accepted. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
  /** All messages received, in order. */
  readonly published: readonly Published[];
  /** Most messages that were unanswered at one time. */
  readonly mostUnanswered: number;
  /** Decides what happens with a method. Returns true when it has dealt with it; else a good broker's answer is sent. */
  onMethod: (name: string, peer: Peer, channel: number, fields: Record<string, unknown>) => boolean;
  /** Decides what happens with a message, likewise; else it is confirmed. */
  onMessage: (message: Published, peer: Peer, channel: number) => boolean;
  /** False: a connection is accepted and not greeted. */
  greets: boolean;
  close(): Promise<void>;
}

const answers: Record<string, (fields: Record<string, unknown>) => Method[]> = {
  ConnectionStartOk: () => [['ConnectionTune', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 }]],
  ConnectionOpen: () => [['ConnectionOpenOk', { knownHosts: '' }]],
  ConnectionClose: () => [['ConnectionCloseOk', {}]],
  ChannelOpen: () => [['ChannelOpenOk', { channelId: Buffer.alloc(0) }]],
  ChannelClose: () => [['ChannelCloseOk', {}]],
  ConfirmSelect: () => [['ConfirmSelectOk', {}]],
  ExchangeDeclare: () => [['ExchangeDeclareOk', {}]],
  QueueDeclare: ({ queue }) => [['QueueDeclareOk', { queue, messageCount: 0, consumerCount: 0 }]],
  QueueBind: () => [['QueueBindOk', {}]],
};

/** A broker for what a real one cannot be told to do: it speaks AMQP 0-9-1 as far as a publisher needs it. */
export async function startFakeBroker(): Promise<FakeBroker> {
  const sockets = new Set<Socket>();
  const published: Published[] = [];
  let accepted = 0;
  let unanswered = 0;
  let mostUnanswered = 0;

  const serve = (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    const tags = new Map<number, number>();
    const incoming = new Map<number, Published & { size: number }>();
    let rest = Buffer.alloc(0);
    let greeted = false;

    const encode = (channel: number, [name, fields = {}]: Method) =>
      defs.encodeMethod(defs[name] as number, channel, fields);
    const peer: Peer = {
      no: accepted,
      send(channel, ...methods) {
        for (const [name] of methods) if (name === 'BasicAck' || name === 'BasicNack') unanswered -= 1;
        if (socket.writable) socket.write(Buffer.concat(methods.map((method) => encode(channel, method))));
      },
      ack(channel, ...tags) {
        peer.send(channel, ...tags.map((deliveryTag): Method => ['BasicAck', { deliveryTag, multiple: false }]));
      },
      nack(channel, deliveryTag, multiple = false) {
        peer.send(channel, ['BasicNack', { deliveryTag, multiple, requeue: false }]);
      },
      returnMessage(channel, { fields, properties, content }) {
        const { exchange, routingKey } = fields;
        socket.write(
          Buffer.concat([
            encode(channel, ['BasicReturn', { replyCode: 312, replyText: 'NO_ROUTE', exchange, routingKey }]),
            defs.encodeProperties(defs.BasicProperties as number, channel, content.length, properties),
            frames.makeBodyFrame(channel, content),
          ]),
        );
      },
      drop: () => socket.destroy(),
    };

    const receive = (frame: Frame) => {
      const { channel, id, fields, size, content } = frame;
      const message = incoming.get(channel);
      if (content && message) {
        message.content = Buffer.concat([message.content, content]);
        if (message.content.length < message.size) return;
        incoming.delete(channel);
        published.push(message);
        unanswered += 1;
        mostUnanswered = Math.max(mostUnanswered, unanswered);
        if (!broker.onMessage(message, peer, channel)) peer.ack(channel, message.deliveryTag);
        return;
      }
      if (size !== undefined && message && fields) {
        Object.assign(message, { properties: fields, messageId: fields.messageId, size });
        return;
      }
      if (id === undefined || !fields) return;
      const { name } = defs.info(id);
      if (name === 'BasicPublish') {
        const deliveryTag = (tags.get(channel) ?? 0) + 1;
        tags.set(channel, deliveryTag);
        incoming.set(channel, {
          messageId: '',
          deliveryTag,
          properties: {},
          fields,
          content: Buffer.alloc(0),
          size: 0,
        });
        return;
      }
      if (name === 'ChannelOpen') tags.delete(channel);
      if (!broker.onMethod(name, peer, channel, fields)) peer.send(channel, ...(answers[name]?.(fields) ?? []));
    };

    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      if (!greeted) {
        if (!broker.greets || rest.length < 8) return;
        greeted = true;
        rest = rest.subarray(8);
        const greeting = {
          versionMajor: 0,
          versionMinor: 9,
          serverProperties: {},
          mechanisms: Buffer.from('PLAIN'),
          locales: Buffer.from('en_US'),
        };
        peer.send(0, ['ConnectionStart', greeting]);
      }
      for (;;) {
        const frame = frames.parseFrame(rest, 0);
        if (!frame) return;
        rest = Buffer.from(frame.rest);
        receive(frames.decodeFrame(frame));
      }
    });
  };

  const server = createServer({ noDelay: true }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };

  const broker: FakeBroker = {
    url: `amqp://guest:guest@127.0.0.1:${address.port}/`,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    published,
    get mostUnanswered() {
      return mostUnanswered;
    },
    onMethod: () => false,
    onMessage: () => false,
    greets: true,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return broker;
}
