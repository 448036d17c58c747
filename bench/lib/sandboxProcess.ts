/**
 * The Twitch sandbox in a process of its own, steered over IPC: it shares no event loop with what is measured. Ends with
 * the process that started it.
 */
import { writeFileSync } from 'node:fs';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LiveStream, startTwitchSandbox, type TwitchSandbox } from '../../sandbox/twitch/index.ts';
import { Random } from '../../sandbox/twitch/random.ts';
import { HeavyTailed } from './heavyTailed.ts';
import type { GoneLive, SandboxCommands, SandboxReply, SandboxRequest, Trickle } from './sandboxProtocol.ts';

/** Streams that are live from the start have been for so long. */
const LIVE_SINCE_MS = 3_600_000;

let sandbox: TwitchSandbox;
let users: string[] = [];
let random: Random;
let timer: NodeJS.Timeout | undefined;
const liveUsers: string[] = [];
const started: { stream: LiveStream; visibleMs: number }[] = [];
const requests: [number, string][] = [];

const commands: { [K in keyof SandboxCommands]: SandboxCommands[K] } = {
  async start({ requestsPerMinute, users: count, live, latencyMs, seed }) {
    sandbox = await startTwitchSandbox({ requestsPerMinute, latencyMs, seed });
    random = new Random(seed);
    sandbox.world.populate({ users: count });
    users = sandbox.world.userIds(count);
    const startedAt = new Date(Date.now() - LIVE_SINCE_MS);
    for (let i = 0; i < live; i++) {
      const userId = users[Math.floor((i * count) / live)] as string;
      sandbox.world.goLive({ userId, gameId: '509658', startedAt });
      liveUsers.push(userId);
    }
    watchRequests();
    const { apiUrl, authUrl, clientId, clientSecret } = sandbox;
    return { apiUrl, authUrl, clientId, clientSecret, mockPort: await serveAsMock() };
  },
  trickle: startTrickle,
  stopTrickle: () => clearTimeout(timer),
  goneLive: () =>
    started.map(({ stream, visibleMs }): GoneLive => {
      const servedMs = sandbox.firstServedAtMs(stream.id);
      return { streamId: stream.id, userId: stream.userId, visibleMs, ...(servedMs && { servedMs }) };
    }),
  liveIds: () => sandbox.world.live().map(({ id }) => id),
  writeUserIds: (file) => writeFileSync(file, `${users.join('\n')}\n`),
  userIds: () => users,
  stats: () => sandbox.stats(),
  requests: () => requests,
};

function startTrickle({ perSecond, spread, keepLive }: Trickle): void {
  const GOLDEN = (Math.sqrt(5) - 1) / 2;
  const meanMs = 1_000 / perSecond;
  let dueMs = performance.now();
  let at = random.next();
  const law = new HeavyTailed(users.length);
  const nextUser = () => {
    if (spread === 'heavyTailed') return users[law.draw(random)] as string;
    at = spread === 'even' ? (at + GOLDEN) % 1 : random.next();
    return users[Math.floor(at * users.length)] as string;
  };
  const next = () => {
    dueMs += spread === 'even' ? meanMs : random.exponential(meanMs);
    timer = setTimeout(happen, Math.max(0, dueMs - performance.now()));
  };
  const happen = () => {
    const { world } = sandbox;
    let userId = nextUser();
    while (world.streamOf(userId)) userId = nextUser();
    const stream = world.goLive({ userId, gameId: '509658' });
    started.push({ stream, visibleMs: Date.now() });
    liveUsers.push(userId);
    if (liveUsers.length > keepLive) world.end(liveUsers.shift() as string);
    next();
  };
  next();
}

/** A fault that never strikes sees every request. */
function watchRequests(): void {
  sandbox.faults.add({
    kind: 'slowHeaders',
    delayMs: 0,
    match: ({ endpoint, ids }) => {
      if (endpoint === 'streams') requests.push([Date.now(), ids[0] ?? '']);
      return false;
    },
  });
}

async function serveAsMock(): Promise<number> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/mock\//, '/helix/').replace(/^\/auth\//, '/oauth2/');
    const target = new URL(path, sandbox.url);
    request.pipe(
      sendRequest(target, { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  // Unlike the others it is reached by the name "localhost", whatever that means here.
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return (server.address() as AddressInfo).port;
}

process.on('message', async ({ id, command, args }: SandboxRequest) => {
  const reply: SandboxReply = { id };
  try {
    reply.result = await (commands[command] as (...args: unknown[]) => unknown)(...args);
  } catch (error) {
    reply.error = String(error);
  }
  process.send?.(reply);
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the benchmark still has questions.
process.on('SIGINT', () => {});
