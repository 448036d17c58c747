import type { WatchedEvent } from '../../src/cli/watch/watch.ts';
import { clock, duration, printable } from '../../src/lib/words.ts';
import type { Reason } from '../../src/poll/model.ts';

const REASONS: Record<Reason, string> = {
  started: 'started',
  entered_game: 'entered the game',
  first_sight: 'already on',
};

const LOGIN_WIDTH = 18;
const GAME_WIDTH = 18;
const TITLE_WIDTH = 44;

/**
 * One line for an event: `12:03:04  ● pixelpanda  Chess  "title"  started  (3.1 s after start)`.
 *
 * @param gameName the name of a game id where it is known
 */
export function eventLine(event: WatchedEvent, gameName: (id: string) => string | undefined): string {
  const login = printable(event.user_login) || `user ${printable(event.user_id)}`;
  const game = event.game_id === '' ? 'no game' : (gameName(event.game_id) ?? `game ${event.game_id}`);
  const afterMs = Date.parse(event.received_at) - Date.parse(event.started_at);
  const after = Number.isFinite(afterMs) ? `  (${duration(afterMs)} after start)` : '';
  const reason = REASONS[event.reason] ?? printable(event.reason);
  const columns = [
    clock(new Date(event.received_at)),
    `● ${fit(login, LOGIN_WIDTH)}`,
    fit(printable(game), GAME_WIDTH),
    fit(`"${printable(event.title)}"`, TITLE_WIDTH),
    `${reason}${after}`,
  ];
  return columns.join('  ');
}

function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text.padEnd(width);
}
