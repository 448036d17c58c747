/** Readers of pages and of the API, in a process of its own: what they take of the machine is not the worker's. */
import { Agent, request } from 'undici';
import { serve } from './remote.ts';
import type { WebRequest } from './webRequests.ts';

/** How long each answer took until its last byte, in milliseconds, and those that were not 2xx. */
export interface Timed {
  ms: number[];
  bad: string[];
}

/** What a page that was open has shown. */
export interface OpenPage {
  /** Ids of the streams that it has told as announced. */
  announced: string[];
}

export type WebClientCalls = typeof calls;

// Pages stay open for longer than anything that is asked.
const dispatcher = new Agent({ headersTimeout: 60_000, bodyTimeout: 60_000, connections: null });
let pages: { page: OpenPage; leave: () => void; ended: Promise<void> }[] = [];

async function timed<T>(into: Timed, name: string, work: () => Promise<{ status: number; result: T }>): Promise<T> {
  const startedMs = performance.now();
  const { status, result } = await work();
  into.ms.push(performance.now() - startedMs);
  if (status < 200 || status > 299) into.bad.push(`${name}: ${status} ${String(result).slice(0, 300)}`);
  return result;
}

async function call(url: string, options: Parameters<typeof request>[1] = {}) {
  const { statusCode: status, body } = await request(url, { dispatcher, ...options });
  return { status, result: await body.text() };
}

const calls = {
  text: async (url: string) => (await call(url)).result,

  /** Asks one after the other, in turns, for so long; each answer is read to its end. */
  async read(origin: string, requests: readonly WebRequest[], seconds: number): Promise<Map<string, Timed>> {
    const times = new Map(requests.map(({ name }) => [name, { ms: [], bad: [] } as Timed]));
    const endMs = performance.now() + seconds * 1_000;
    while (performance.now() < endMs) {
      for (const { name, path } of requests) {
        await timed(times.get(name) as Timed, path, () => call(`${origin}${path}`));
      }
    }
    return times;
  },

  /** Adds these users in one call and removes them in another, so many times. */
  async bulk(origin: string, token: string, ids: readonly string[], times: number) {
    const result = { add: { ms: [], bad: [] } as Timed, remove: { ms: [], bad: [] } as Timed };
    const body = JSON.stringify({ users: { ids } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    for (let i = 0; i < times; i++) {
      for (const action of ['add', 'remove'] as const) {
        const url = `${origin}/api/v1/targets/${action}`;
        await timed(result[action], action, () => call(url, { method: 'POST', headers, body }));
      }
    }
    return result;
  },

  /** Begins to read the file of all targets, so many times. */
  async firstBytes(url: string, times: number): Promise<Timed> {
    const result: Timed = { ms: [], bad: [] };
    for (let i = 0; i < times; i++) {
      const body = await timed(result, url, async () => {
        const { statusCode: status, body } = await request(url, { dispatcher });
        await body[Symbol.asyncIterator]().next();
        return { status, result: body };
      });
      body.destroy();
    }
    return result;
  },

  /** Reads the file of all targets, and sends it back as an import. */
  async transfer(origin: string, token: string) {
    const startedMs = performance.now();
    const file = (await call(`${origin}/api/v1/targets/export`)).result;
    const exportSeconds = (performance.now() - startedMs) / 1_000;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' };
    const options = { method: 'POST' as const, headers, body: file, headersTimeout: 300_000 };
    const { status, result } = await call(`${origin}/api/v1/targets/import`, options);
    const importSeconds = (performance.now() - startedMs) / 1_000 - exportSeconds;
    if (status !== 200) throw new Error(`import: ${status} ${result}`);
    return { lines: file.split('\n').length - 1, exportSeconds, importSeconds };
  },

  /** Opens so many pages, as browsers do: the page, what it is made of, and the feed that its script follows. */
  async openPages(origin: string, count: number): Promise<void> {
    pages = await Promise.all(Array.from({ length: count }, () => open(origin)));
  },

  async closePages(): Promise<OpenPage[]> {
    for (const { leave } of pages) leave();
    await Promise.all(pages.map(({ ended }) => ended));
    return pages.splice(0).map(({ page }) => page);
  },
};

async function open(origin: string) {
  const html = (await call(`${origin}/`)).result;
  const assets = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => `${origin}${path}`);
  await Promise.all(assets.map((url) => call(url)));
  const after = /data-after="([^"]+)"/.exec(html)?.[1];
  if (!after) throw new Error('the page names no place in the feed: bench/lib/webClient.ts does not know it any more');
  const leaving = new AbortController();
  const url = `${origin}/api/v1/announcements/live?after=${encodeURIComponent(after)}`;
  const { statusCode, body } = await request(url, { dispatcher, signal: leaving.signal });
  if (statusCode !== 200) throw new Error(`${url}: ${statusCode}`);
  const page: OpenPage = { announced: [] };
  const ended = follow(body, page).catch((error: Error) => {
    if (!leaving.signal.aborted) throw error;
  });
  return { page, leave: () => leaving.abort(), ended };
}

async function follow(body: AsyncIterable<Buffer>, { announced }: OpenPage): Promise<void> {
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      const { state, streamId } = JSON.parse(line.slice('data: '.length));
      if (state === 'announced') announced.push(streamId);
    }
  }
}

serve(calls);
