/** `node sandbox/twitch/main.ts`: the sandbox as a process of its own, until SIGTERM; `--help` tells the options. */
import { Command } from 'commander';
import { startTwitchSandbox, type TwitchSandboxOptions } from './index.ts';

const SIMULATED_USERS = 1000;

interface Options extends TwitchSandboxOptions {
  users: number;
  games: number;
  viewerDrift: number;
  simulate?: true;
  goLivePerSecond: number;
  minutesOnAir: number;
}

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw new Error(`--${name}: expected a number, got "${text}"`);
  }
  return number;
}

function toRange(name: string, text: string): [number, number] {
  const [from = '', to = from] = text.split('-');
  return [toNumber(name, from), toNumber(name, to)];
}

function readOptions(): Options {
  const command = new Command('sandbox/twitch/main.ts').description("A stand-in for Twitch's Helix API and its OAuth.");
  const number = (name: string, what: string, value: number) =>
    command.option(`--${name} <n>`, what, (text) => toNumber(name, text), value);
  number('port', 'port to listen on, 0: any free one', 8090);
  command.option('--host <address>', 'address to listen on', '127.0.0.1');
  number('users', 'users that exist: user_0 …, ids from 100000000', 1000);
  number('games', 'games that exist besides the well-known ones, ids from 2000000000', 0);
  number('seed', 'seed of everything random', 1);
  number('requests-per-minute', 'rate limit', 800);
  command.option('--latency-ms <n[-n]>', 'how long an answer takes', (text) => toRange('latency-ms', text), [0, 0]);
  command.option('--client-id <id>', 'the only one that is accepted', 'sandboxclient');
  command.option('--client-secret <secret>', 'what belongs to it', 'sandboxsecret');
  number('viewer-drift', 'how far viewer counts move between requests, 0 to 1', 0);
  command.option('--simulate', 'let the first 1,000 users go live and end at random');
  number('go-live-per-second', 'for --simulate', 0.2);
  number('minutes-on-air', 'for --simulate', 30);
  return command.parse().opts<Options>();
}

async function main(): Promise<void> {
  const { users, games, viewerDrift, simulate, goLivePerSecond, minutesOnAir, ...server } = readOptions();
  const sandbox = await startTwitchSandbox(server);
  sandbox.world.populate({ users, games });
  sandbox.world.viewerDrift = viewerDrift;
  const life = { goLivePerSecond, meanMinutesOnAir: minutesOnAir };
  if (simulate) sandbox.world.simulate({ ...life, users: sandbox.world.userIds(SIMULATED_USERS) });
  const { TWITCH_CLIENT_SECRET: _, ...settings } = sandbox.settings;
  console.log(`Twitch sandbox: ${sandbox.url}`);
  for (const [name, value] of Object.entries(settings)) console.log(`${name}=${value}`);
  const stop = () => void sandbox.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
