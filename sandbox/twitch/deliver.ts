import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { Answer, Endpoint } from './answer.ts';
import { distort, type Outcome } from './distort.ts';
import type { FaultOrder, Faults } from './faults.ts';
import type { Recorder } from './stats.ts';

/** Answers a request: waits the latency, computes, lets a fault strike, sends, counts. */
export type Deliver = (endpoint: Endpoint, reply: FastifyReply, compute: () => Answer) => Promise<FastifyReply>;

export interface DeliverOptions {
  faults: Faults;
  recorder: Recorder;
  latencyMs: () => number;
  /** Aborted when the server closes: no wait outlives it. */
  closing: AbortSignal;
}

const PIECES = 10;

export function createDeliver({ faults, recorder, latencyMs, closing }: DeliverOptions): Deliver {
  let inFlight = 0;
  const wait = (ms: number) => delay(ms, undefined, { signal: closing, ref: false }).catch(() => {});

  function writeHead(reply: FastifyReply, { status, headers, contentType, payload }: Outcome) {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(payload) });
    return raw;
  }

  function disconnect(reply: FastifyReply, reset: boolean | undefined): void {
    const { socket } = reply.raw;
    if (reset) socket?.resetAndDestroy();
    else socket?.destroy();
  }

  function cutInBody(reply: FastifyReply, outcome: Outcome, reset: boolean | undefined): void {
    const bytes = Buffer.from(outcome.payload);
    const raw = writeHead(reply, outcome);
    raw.write(bytes.subarray(0, bytes.length >> 1), () => disconnect(reply, reset));
  }

  async function trickle(reply: FastifyReply, outcome: Outcome, overMs: number) {
    const bytes = Buffer.from(outcome.payload);
    const raw = writeHead(reply, outcome);
    raw.flushHeaders();
    for (let piece = 0; piece < PIECES; piece++) {
      await wait(overMs / PIECES);
      const [from, to] = [piece, piece + 1].map((edge) => Math.floor((bytes.length * edge) / PIECES));
      if (!raw.destroyed) raw.write(bytes.subarray(from, to));
    }
    if (raw.destroyed) return 'gone';
    raw.end();
    return outcome.status;
  }

  /** Sends the outcome in the way the fault says; returns what to count. */
  async function send(reply: FastifyReply, outcome: Outcome, order: FaultOrder | undefined) {
    switch (order?.kind) {
      case 'hang':
        reply.hijack();
        return 'hang';
      case 'cut':
        if (order.at === 'body') {
          cutInBody(reply, outcome, order.reset);
        } else {
          reply.hijack();
          disconnect(reply, order.reset);
        }
        return 'cut';
      case 'slowBody':
        return trickle(reply, outcome, order.overMs);
      default:
        if (order?.kind === 'slowHeaders') await wait(order.delayMs);
        if (reply.raw.destroyed) {
          reply.hijack();
          return 'gone';
        }
        reply.code(outcome.status).headers(outcome.headers).type(outcome.contentType).send(outcome.payload);
        return outcome.status;
    }
  }

  return async function deliver(endpoint, reply, compute) {
    const helix = endpoint !== 'token' && endpoint !== 'validate';
    if (helix) recorder.arrived();
    inFlight += 1;
    try {
      return await answerTo(endpoint, reply, compute, helix);
    } finally {
      inFlight -= 1;
    }
  };

  async function answerTo(endpoint: Endpoint, reply: FastifyReply, compute: () => Answer, helix: boolean) {
    const latency = latencyMs();
    if (latency > 0) await wait(latency);
    const answer = compute();
    const order = faults.draw(endpoint, answer, inFlight);
    const outcome = distort(endpoint, answer, order);
    const sent = await send(reply, outcome, order);
    recorder.answered(endpoint, sent, helix);
    if (sent === 200) for (const id of outcome.streamIds) recorder.served(id);
    return reply;
  }
}
