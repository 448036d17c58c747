import { AlertLedger } from './alertLedger.ts';
import type { StoreConnection } from './dragonfly.ts';
import { Feed } from './feed.ts';
import { DEFAULT_PREFIX, Keys } from './keys.ts';
import { Polls } from './polls.ts';
import { Replies } from './replies.ts';
import { Series } from './series.ts';
import { Streams } from './streams.ts';
import { Targets } from './targets.ts';

/** All that an installation keeps. */
export interface Store {
  connection: StoreConnection;
  keys: Keys;
  polls: Polls;
  streams: Streams;
  targets: Targets;
  replies: Replies;
  feed: Feed;
  series: Series;
  alerts: AlertLedger;
}

/** @param prefix what its keys begin with: see `keyPrefix` */
export function storeOn(connection: StoreConnection, prefix = DEFAULT_PREFIX): Store {
  const keys = new Keys(prefix);
  return {
    connection,
    keys,
    polls: new Polls(connection, keys),
    streams: new Streams(connection, keys),
    targets: new Targets(connection, keys),
    replies: new Replies(connection, keys),
    feed: new Feed(connection, keys),
    series: new Series(connection, keys),
    alerts: new AlertLedger(connection, keys),
  };
}
