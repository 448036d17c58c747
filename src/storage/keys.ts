import type { TargetKind } from '../poll/model.ts';
import { DEFAULT_INSTANCE } from '../poll/names.ts';

/**
 * What all keys of an installation begin with. In braces, as a hash tag: they are in one slot of a cluster, which takes
 * scripts and commands with several keys only then (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
 */
export function keyPrefix(instance: string): string {
  return `{${instance}}:`;
}

export const DEFAULT_PREFIX = keyPrefix(DEFAULT_INSTANCE);

/** Names of all keys. `README.md` beside this file says what each holds. */
export class Keys {
  readonly meta: string;
  readonly live: string;
  readonly liveByGame: string;
  /** What has become of the latest events: a stream. */
  readonly feed: string;
  /** Reports of the latest polls, the newest first: a list. */
  readonly reports: string;
  readonly #prefix: string;

  constructor(prefix = DEFAULT_PREFIX) {
    this.#prefix = prefix;
    this.meta = `${prefix}meta`;
    this.live = `${prefix}live`;
    this.liveByGame = `${prefix}live:by-game`;
    this.feed = `${prefix}feed`;
    this.reports = `${prefix}reports`;
  }

  targets(kind: TargetKind): string {
    return `${this.#prefix}targets:${kind}`;
  }

  added(kind: TargetKind): string {
    return `${this.#prefix}targets:${kind}:added`;
  }

  /** Where those come from that the settings name: a hash, id → state. */
  named(kind: TargetKind): string {
    return `${this.#prefix}targets:${kind}:named`;
  }

  /** The lists of targets in the settings of the workers that run: a set of their fingerprints. */
  get lists(): string {
    return `${this.#prefix}targets:lists`;
  }

  /** One such list, kept for as long as a worker has it. */
  list(fingerprint: string): string {
    return `${this.#prefix}targets:list:${fingerprint}`;
  }

  /** Targets that Twitch refuses, each with the reason and the time of the next try. */
  refused(kind: TargetKind): string {
    return `${this.#prefix}targets:${kind}:refused`;
  }

  /** Labels of targets: a hash, id → JSON list. */
  labels(kind: TargetKind): string {
    return `${this.#prefix}targets:${kind}:labels`;
  }

  /** User targets that Twitch's list of users does not show. */
  get gone(): string {
    return `${this.#prefix}targets:user:gone`;
  }

  /** Hot users, which are in every poll: a sorted set of ids, every score 0. */
  get hot(): string {
    return `${this.#prefix}targets:user:hot`;
  }

  /** The same ids, with the time until which each is hot as its score (Unix ms). */
  get hotUntil(): string {
    return `${this.#prefix}targets:user:hot-until`;
  }

  /** How it went over some time: a hash, place in the ring → slot. */
  series(range: string): string {
    return `${this.#prefix}series:${range}`;
  }

  /** What was answered to a request of the HTTP API. */
  reply(fingerprint: string): string {
    return `${this.#prefix}reply:${fingerprint}`;
  }

  /** Which worker tells of alerts. */
  get alertLease(): string {
    return `${this.#prefix}alerts:lease`;
  }

  /** What fires: JSON. */
  get alertTroubles(): string {
    return `${this.#prefix}alerts:troubles`;
  }

  /** What each worker finds, and when it said so: a hash. */
  get alertSigns(): string {
    return `${this.#prefix}alerts:signs`;
  }

  mark(streamId: string): string {
    return `${this.#prefix}mark:${streamId}`;
  }

  page(pollId: string, batch: number, page: number): string {
    return `${this.#prefix}page:${pollId}:${batch}:${page}`;
  }
}
