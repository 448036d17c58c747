import { parseArgs } from 'node:util';
import { startTwitchSandbox } from './index.ts';

const HELP = `A stand-in for Twitch's Helix API and OAuth endpoints.

  node sandbox/twitch/main.ts [options]

  --port N                  port to listen on (default 8090, 0: any free one)
  --host ADDRESS            address to listen on (default 127.0.0.1)
  --users N                 users that exist: user_0 …, ids from 100000000 (default 1000)
  --games N                 games that exist besides the well-known ones, ids from 2000000000 (default 0)
  --seed N                  seed of everything random (default 1)
  --requests-per-minute N   rate limit (default 800)
  --latency-ms N | N-N      how long an answer takes (default 0)
  --client-id ID            (default sandboxclient)
  --client-secret SECRET    (default sandboxsecret)
  --viewer-drift N          how far viewer counts move between requests, 0 to 1 (default 0)
  --simulate                let the first 1,000 users go live and end at random
  --go-live-per-second N    for --simulate (default 0.2)
  --minutes-on-air N        for --simulate (default 30)
  --help
`;

const SIMULATED_USERS = 1000;

type NumberOption =
  | 'port'
  | 'users'
  | 'games'
  | 'seed'
  | 'requests-per-minute'
  | 'viewer-drift'
  | 'go-live-per-second'
  | 'minutes-on-air';

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw new Error(`--${name}: expected a number, got "${text}"`);
  }
  return number;
}

function readArguments() {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const;
  const { values } = parseArgs({
    options: {
      port: text('8090'),
      host: text('127.0.0.1'),
      users: text('1000'),
      games: text('0'),
      seed: text('1'),
      'requests-per-minute': text('800'),
      'latency-ms': text('0'),
      'client-id': text('sandboxclient'),
      'client-secret': text('sandboxsecret'),
      'viewer-drift': text('0'),
      simulate: { type: 'boolean', default: false },
      'go-live-per-second': text('0.2'),
      'minutes-on-air': text('30'),
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: NumberOption) => toNumber(name, values[name]);
  const [from = '', to = from] = values['latency-ms'].split('-');
  return {
    help: values.help,
    simulate: values.simulate,
    population: { users: number('users'), games: number('games') },
    viewerDrift: number('viewer-drift'),
    life: { goLivePerSecond: number('go-live-per-second'), meanMinutesOnAir: number('minutes-on-air') },
    server: {
      port: number('port'),
      host: values.host,
      seed: number('seed'),
      clientId: values['client-id'],
      clientSecret: values['client-secret'],
      requestsPerMinute: number('requests-per-minute'),
      latencyMs: [toNumber('latency-ms', from), toNumber('latency-ms', to)] as const,
    },
  };
}

async function main(): Promise<void> {
  const { help, simulate, population, viewerDrift, life, server } = readArguments();
  if (help) {
    console.log(HELP);
    return;
  }
  const sandbox = await startTwitchSandbox(server);
  sandbox.world.populate(population);
  sandbox.world.viewerDrift = viewerDrift;
  if (simulate) sandbox.world.simulate({ ...life, users: sandbox.world.userIds(SIMULATED_USERS) });
  console.log(`Twitch sandbox: ${sandbox.url}
TWITCH_API_URL=${sandbox.apiUrl}
TWITCH_AUTH_URL=${sandbox.authUrl}
TWITCH_CLIENT_ID=${sandbox.clientId}`);
  const stop = () => void sandbox.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
