import { counted } from '../../src/lib/words.ts';
import { CATEGORIES } from '../twitch/names.ts';

/** What `npm start` runs, decided from the settings alone. */
export interface StartPlan {
  /** Twitch itself when there are credentials for it, else the sandbox. */
  twitch: 'twitch' | 'sandbox';
  /** What the user should know about these decisions. */
  notes: string[];
  /** Services that run already; the others are started. */
  given: { TEMPORAL_ADDRESS?: string; TEMPORAL_NAMESPACE?: string; DRAGONFLY_URL?: string; RABBITMQ_URL?: string };
  pollIntervalSeconds: string;
  /** The port that was asked for; without one, 8080 or any free one. */
  httpPort: string | undefined;
  /** Where the worker's HTTP can be reached from here. */
  httpHost: string;
}

/** A watched category of the sandbox: enough of a game to see streams that enter it. */
export const SANDBOX_GAMES = CATEGORIES.slice(10, 12);

/** How many of the sandbox's channels are watched, and how many others play there. */
export const SANDBOX_WATCHED = 100;
export const SANDBOX_OTHERS = 100;

/** Seconds between polls on one's own machine: short enough to watch. */
const POLL_INTERVAL_SECONDS = '5';

/** Decides what is to be run. An empty variable counts as not set. */
export function planStart(env: NodeJS.ProcessEnv): StartPlan {
  const value = (name: string) => env[name]?.trim() || undefined;
  const notes: string[] = [];
  const [id, secret] = [value('TWITCH_CLIENT_ID'), value('TWITCH_CLIENT_SECRET')];
  if (Boolean(id) !== Boolean(secret)) {
    const [present, missing] = id
      ? ['TWITCH_CLIENT_ID', 'TWITCH_CLIENT_SECRET']
      : ['TWITCH_CLIENT_SECRET', 'TWITCH_CLIENT_ID'];
    notes.push(`${present} is set and ${missing} is not: Twitch is the sandbox`);
  }
  const given: StartPlan['given'] = {};
  for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'DRAGONFLY_URL', 'RABBITMQ_URL'] as const) {
    const text = value(name);
    if (text) given[name] = text;
  }
  const twitch = id && secret ? 'twitch' : 'sandbox';
  if (twitch === 'twitch' && !value('TARGET_USER_IDS') && !value('TARGET_GAME_IDS')) {
    notes.push('TARGET_USER_IDS and TARGET_GAME_IDS are not set: only targets that were added before are watched');
  }
  return {
    twitch,
    notes,
    given,
    pollIntervalSeconds: value('POLL_INTERVAL_SECONDS') ?? POLL_INTERVAL_SECONDS,
    httpPort: value('HTTP_PORT'),
    httpHost: reachable(value('HTTP_HOST')),
  };
}

/** An address that means every interface is none to connect to. */
function reachable(host = '127.0.0.1'): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** What is watched, in words. */
export function describeTargets(env: NodeJS.ProcessEnv): string {
  const count = (name: string) => (env[name] ?? '').split(',').filter((id) => id.trim() !== '').length;
  return `${counted(count('TARGET_USER_IDS'), 'user')} and ${counted(count('TARGET_GAME_IDS'), 'game')}`;
}
