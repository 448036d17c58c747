import type { World } from '../../sandbox/twitch/index.ts';
import type { Watched } from './ledger/truth.ts';

/** Who broadcasts in a fault run, and what is watched. */
export interface Cast {
  /** Watched by their own target; they play games that nobody watches. */
  byUser: readonly string[];
  /** Watched by their own target, and by that of the game they play. */
  byBoth: readonly string[];
  /** Watched by the game they play. */
  byGame: readonly string[];
  /** Not watched unless they come into a watched game. */
  wanderers: readonly string[];
  /** A watched game that always has more than a page of streams. */
  bigGame: string;
  /** Watched games. */
  games: readonly [string, ...string[]];
  otherGames: readonly [string, ...string[]];
  watched: Watched;
}

const BY_USER = 150;
const BY_BOTH = 60;
const BY_GAME = 400;
const WANDERERS = 60;
/** More than a page: their game is always read in several requests. */
const CROWD = 120;

/** Populates a world: users and games by the numbers above. */
export function castWorld(world: World): Cast {
  world.populate({ users: BY_USER + BY_BOTH + BY_GAME + WANDERERS, games: 6 });
  const [bigGame, smallGame, rareGame, ...otherGames] = world.gameIds(6) as [string, string, string, string, string];
  const byUser = world.userIds(BY_USER);
  const byBoth = world.userIds(BY_BOTH, BY_USER);
  return {
    byUser,
    byBoth,
    byGame: world.userIds(BY_GAME, BY_USER + BY_BOTH),
    wanderers: world.userIds(WANDERERS, BY_USER + BY_BOTH + BY_GAME),
    bigGame,
    games: [bigGame, smallGame, rareGame],
    otherGames,
    watched: { users: new Set([...byUser, ...byBoth]), games: new Set([bigGame, smallGame, rareGame]) },
  };
}

/** Streams that are on air before the first poll, for the whole run, since one to five hours. */
export function startCrowd(world: World, cast: Cast): void {
  for (const [i, userId] of cast.byGame.slice(-CROWD).entries()) {
    world.goLive({ userId, gameId: cast.bigGame, startedAt: new Date(Date.now() - (1 + (i % 5)) * 3_600_000) });
  }
}

/** The users of the big game who come and go. */
export function visitors(cast: Cast): readonly string[] {
  return cast.byGame.slice(0, -CROWD);
}
