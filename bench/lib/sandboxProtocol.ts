import type { Stats } from '../../sandbox/twitch/index.ts';

/** A stream that went live during a measurement. Times are Unix milliseconds of this machine's clock. */
export interface GoneLive {
  streamId: string;
  userId: string;
  /** From when on the API's answers showed it. */
  visibleMs: number;
  /** When an answer with it was first sent; absent if none was. */
  servedMs?: number;
}

export interface SandboxStart {
  /** Size of the rate limit's bucket, and points that it regains a minute. */
  requestsPerMinute: number;
  /** Users that exist. */
  users: number;
  /** How many of them are live from the start, evenly spread. */
  live: number;
  /** How long an answer takes, in milliseconds: from, to. */
  latencyMs: readonly [number, number];
  seed: number;
}

export interface SandboxAddresses {
  apiUrl: string;
  authUrl: string;
  clientId: string;
  clientSecret: string;
  /** Where the API is served in the way that Twitch's mock server does it, for clients that can use that alone. */
  mockPort: number;
}

export interface Trickle {
  /** Average go-lives a second. */
  perSecond: number;
  /**
   * `random`: users and moments, as in life. `even`: the same time between two go-lives, and users by steps of the golden
   * ratio, which spreads them over the walk: averages need far fewer go-lives to become steady. `heavyTailed`: at random
   * moments, users by `drawUser`.
   */
  spread: 'random' | 'even' | 'heavyTailed';
  /** When more streams than this are live, the one that has been live the longest ends. */
  keepLive: number;
}

/** What the sandbox's process does for the benchmark's. */
export interface SandboxCommands {
  start(options: SandboxStart): Promise<SandboxAddresses>;
  /** Lets users go live until {@link stopTrickle}. The seed decides who; only the moments are the clock's. */
  trickle(trickle: Trickle): void;
  stopTrickle(): void;
  /** Every stream that the trickle has started. */
  goneLive(): GoneLive[];
  /** Ids of all live streams. */
  liveIds(): string[];
  /** Ids of users that exist, one a line, into a file. */
  writeUserIds(file: string): void;
  userIds(): string[];
  stats(): Stats;
  /** When each request for streams was answered, in order, with its first id. */
  requests(): [ms: number, firstId: string][];
}

export type SandboxCommand = keyof SandboxCommands;

export interface SandboxRequest {
  id: number;
  command: SandboxCommand;
  args: unknown[];
}

export interface SandboxReply {
  id: number;
  result?: unknown;
  error?: string;
}
