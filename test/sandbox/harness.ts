import { after } from 'node:test';
import { Agent, request } from 'undici';
import { startTwitchSandbox, type TwitchSandbox, type TwitchSandboxOptions } from '../../sandbox/twitch/index.ts';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the server answered
  body: any;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A sandbox that the test file closes, with a client that has a token. */
export async function sandboxWithClient(options: TwitchSandboxOptions = {}) {
  const sandbox = await startTwitchSandbox(options);
  const dispatcher = new Agent({ headersTimeout: 2_000, bodyTimeout: 2_000 });
  after(async () => {
    await dispatcher.destroy();
    await sandbox.close();
  });

  async function send(path: string, init: Parameters<typeof request>[1] = {}): Promise<Reply> {
    const { statusCode, headers, body } = await request(sandbox.url + path, { dispatcher, ...init });
    const text = await body.text();
    return { status: statusCode, headers, text, body: parse(text) };
  }

  const post = (path: string, body: unknown = {}) =>
    send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

  const token = await newToken(sandbox);
  const auth = { 'client-id': sandbox.clientId, authorization: `Bearer ${token}` };
  const helix = (path: string, headers: Record<string, string> = auth) => send(`/helix/${path}`, { headers });
  return { sandbox, world: sandbox.world, faults: sandbox.faults, send, post, helix, token, auth };
}

export async function newToken({ authUrl, clientId, clientSecret }: TwitchSandbox): Promise<string> {
  const form = new URLSearchParams({
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: 'client_credentials',
  });
  const { body } = await request(`${authUrl}/token?${form}`, { method: 'POST' });
  const { access_token: token } = (await body.json()) as { access_token: string };
  return token;
}

/** `name=a&name=b&…` */
export const repeated = (name: string, values: readonly string[]): string =>
  values.map((value) => `${name}=${value}`).join('&');

export const idsOf = (reply: Reply): string[] => reply.body.data.map(({ id }: { id: string }) => id);
