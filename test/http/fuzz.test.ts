import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { healthz } from '../../src/http/healthz.ts';
import { metricsEndpoint } from '../../src/http/metrics.ts';
import { readyz } from '../../src/http/readyz.ts';
import { createHttpServer, listen } from '../../src/http/server.ts';

const PATHS = ['/healthz', '/readyz', '/metrics'];
/** The time limit of a request, and the time between two looks for those that are over it, with a margin. */
const CUT_WITHIN_MS = 14_000;
const READS = ['GET', 'HEAD'];

interface Answer {
  status: number;
  head: string;
  body: string;
}

describe('the HTTP server', { concurrency: true, timeout: 60_000 }, () => {
  let app: FastifyInstance;
  let port: number;
  const routes: { method: string | string[]; url: string }[] = [];
  const errors: string[] = [];

  before(async () => {
    app = createHttpServer(pino({ level: 'error' }, { write: (line: string) => errors.push(line) }));
    app.addHook('onRoute', ({ method, url }) => {
      routes.push({ method, url });
    });
    await app.register(healthz, { health: () => ({ state: 'running', workers: {} }) });
    await app.register(metricsEndpoint, { exposition: new Registry() });
    await app.register(readyz, { checks: async () => ({}), stopping: () => false });
    await listen(app, '127.0.0.1', 0);
    port = (app.server.address() as AddressInfo).port;
  });
  after(() => app.close());

  /** Sends bytes as they are and gives what came back until the server closed, or the answer was whole. */
  function send(pieces: readonly (string | Buffer)[], { end = true, waitMs = 5_000 } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let received = '';
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error(`still open after ${waitMs} ms; received: ${received}`));
      }, waitMs);
      socket.setEncoding('latin1').on('data', (text) => {
        received += text;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(received);
      });
      for (const piece of pieces) socket.write(piece);
      if (end) socket.end();
    });
  }

  function parse(received: string): Answer | undefined {
    if (received === '') return undefined;
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(.*?)\r\n\r\n(.*)$/s.exec(received);
    assert.ok(match, `no HTTP: ${received.slice(0, 200)}`);
    return { status: Number(match[1]), head: match[2] ?? '', body: match[3] ?? '' };
  }

  function isClear(answer: Answer | undefined, request: string): void {
    if (!answer) return;
    const { status, head, body } = answer;
    assert.ok(status < 500, `${status} for ${request}`);
    // An expectation that is none is answered by Node itself (417), without a body.
    if (status < 400 || status === 417 || body === '') return;
    assert.match(head, /^content-type: application\/json/im, request);
    const { error, message } = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
    assert.ok(typeof error === 'string' && typeof message === 'string' && message !== '', body);
  }

  async function stillServes(): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.equal(answer.status, 200);
    await answer.text();
    assert.deepEqual(errors, []);
  }

  it('has nothing that changes anything: every route reads, other methods are refused', async () => {
    assert.deepEqual(new Set(routes.map(({ url }) => url)), new Set(PATHS));
    for (const { method } of routes)
      assert.ok(
        [method].flat().every((each) => READS.includes(each)),
        String(method),
      );
    const others = METHODS.filter((method) => !READS.includes(method) && method !== 'CONNECT');
    for (const path of PATHS) {
      for (const method of others) {
        const answer = parse(await send([`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]));
        assert.ok([400, 404, 405].includes(answer?.status ?? 0), `${method} ${path}: ${answer?.status}`);
      }
    }
  });

  const token = fc.stringMatching(/^[A-Za-z-]{1,12}$/);
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('chunked', '-1', '1e9', 'gzip'));
  const header = fc.tuple(fc.oneof(token, fc.constantFrom('Content-Length', 'Transfer-Encoding', 'Expect')), text);
  const known = fc.record({
    method: fc.oneof(fc.constantFrom(...METHODS), token),
    path: fc.oneof(
      fc.constantFrom(...PATHS),
      fc.webPath(),
      fc.string(),
      fc.constantFrom('/%', '/%c0%ae', '//', '/../x'),
    ),
    headers: fc.array(header, { maxLength: 5 }),
    contentType: fc.constantFrom('application/json', 'text/plain', 'multipart/form-data', 'x', '/'),
    body: fc.oneof(fc.json(), fc.string(), fc.constant('x'.repeat(80_000)), fc.constant('{"__proto__":{"x":1}}')),
  });

  it('answers any well-formed request with a status below 500 and says in JSON what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(known, async ({ method, path, headers, contentType, body }) => {
        const clean = (value: string) => value.replace(/[^\x20-\x7e]/g, '');
        const target = `/${encodeURI(path.toWellFormed()).replace(/^\//, '')}`;
        const lines = [
          `${method} ${target} HTTP/1.1`,
          'Host: x',
          'Connection: close',
          `Content-Type: ${contentType}`,
          ...headers
            .filter(([name]) => !/^(content-length|transfer-encoding|connection|host)$/i.test(name))
            .map(([name, value]) => `${name}: ${clean(value)}`),
          `Content-Length: ${Buffer.byteLength(body)}`,
        ];
        isClear(parse(await send([`${lines.join('\r\n')}\r\n\r\n${body}`])), lines.join(' | '));
      }),
      { numRuns: 300 },
    );
    await stillServes();
  });

  it('survives requests that are none, halves of requests, and contradictions about the body', async () => {
    const raw = fc.record({
      line: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('GET /healthz HTTP/1.1', 'GET / HTTP/9.9', '\x16\x03\x01'),
      ),
      headers: fc.array(header, { maxLength: 5 }),
      body: fc.uint8Array({ maxLength: 200 }),
      keep: fc.nat({ max: 400 }),
    });
    await fc.assert(
      fc.asyncProperty(raw, async ({ line, headers, body, keep }) => {
        const head = [line, 'Host: x', 'Connection: close', ...headers.map((pair) => pair.join(': '))].join('\r\n');
        const bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]).subarray(0, keep);
        isClear(parse(await send([bytes], { waitMs: CUT_WITHIN_MS })), head);
      }),
      { numRuns: 300 },
    );
    await stillServes();
  });

  it('refuses bodies and headers that are too large', async () => {
    const body = 'x'.repeat(70_000);
    const types = 'Host: x\r\nConnection: close\r\nContent-Type: application/json\r\n';
    const large = parse(
      await send([`POST /healthz HTTP/1.1\r\n${types}Content-Length: ${body.length}\r\n\r\n${body}`]),
    );
    assert.ok([404, 413].includes(large?.status ?? 0), String(large?.status));
    const headers = parse(await send([`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: ${body}\r\n\r\n`]));
    assert.equal(headers?.status, 431);
    await stillServes();
  });

  for (const [what, start] of [
    ['headers', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['body', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n"'],
  ] as const) {
    it(`closes a connection on which ${what} come byte by byte, within the time limit of a request`, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write(start);
      const drip = setInterval(() => socket.write('a'), 500);
      const started = performance.now();
      await new Promise((resolve) => {
        socket.once('close', resolve);
        setTimeout(() => socket.destroy(), CUT_WITHIN_MS + 1_000).unref();
      });
      clearInterval(drip);
      assert.ok(performance.now() - started < CUT_WITHIN_MS);
    });
  }

  it('closes a connection on which nothing comes', async () => {
    await send([], { end: false, waitMs: 20_000 });
  });
});
