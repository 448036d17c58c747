import type { PollSettings } from '../config/pollSettings.ts';
import type { RabbitPublisher } from '../publisher/rabbitmq.ts';
import type { Feed } from '../storage/feed.ts';
import type { Polls } from '../storage/polls.ts';
import type { Series } from '../storage/series.ts';
import type { SettingsTargets } from '../storage/settingsTargets.ts';
import type { Streams } from '../storage/streams.ts';
import type { Targets } from '../storage/targets.ts';
import type { TwitchClient } from '../twitch/client.ts';

/** What the activities work with. */
export interface Dependencies {
  settings: PollSettings;
  targets: Targets;
  settingsTargets: Pick<SettingsTargets, 'apply'>;
  polls: Pick<Polls, 'open' | 'noteUnpolled' | 'noteUnpolledBeforeLoss'>;
  streams: Streams;
  /** Nobody waits for it. */
  feed: Pick<Feed, 'note'>;
  /** Nor for it. */
  series: Pick<Series, 'noteAnnounced'>;
  twitch: Pick<TwitchClient, 'getStreams' | 'getUsers'>;
  publisher: Pick<RabbitPublisher, 'publish'>;
  /**
   * What the schedule's newest completed poll has reported, for a poll that was not told: Temporal hands it to those that
   * follow one another only, not to one that is triggered beside others or started by hand. Undefined if there is none.
   */
  lastReport?: () => Promise<unknown>;
}
