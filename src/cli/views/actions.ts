import { ago, clock, counted, duration, printable } from '../../lib/words.ts';
import { reportLines } from '../../poll/reportWords.ts';
import type { EventState } from '../../storage/feed.ts';
import { EXIT, usageError } from '../errors.ts';
import type { Output } from '../output.ts';
import { read } from './source.ts';

interface ViewOptions {
  limit: number;
  url?: string;
  game?: string;
  search?: string;
}

/** `live` */
export async function live(output: Output, { limit, url, game, search }: ViewOptions): Promise<number> {
  if (game !== undefined && search !== undefined) throw usageError('either --game or --search');
  const found = await read(url, (views) => views.streams(limit, { game, search }));
  const now = Date.now();
  const lines = found.streams.map(({ userId, userLogin, gameId, title, startedAt }) =>
    [
      printable(userLogin) || `user ${userId}`,
      `for ${duration(now - Date.parse(startedAt))}`,
      gameId ? `game ${gameId}` : 'no game',
      `"${printable(title)}"`,
    ].join('  '),
  );
  output.answer(lines.join('\n'), found);
  output.note(`${counted(found.live, 'stream')} live in all`);
  return EXIT.ok;
}

const STATE_WORDS: Record<EventState, string> = {
  claimed: 'on its way',
  waiting: 'waits for the broker',
  announced: 'announced',
};

/** `events` */
export async function events(output: Output, { limit, url }: ViewOptions): Promise<number> {
  const found = await read(url, (views) => views.announcements(limit));
  const lines = found.announcements.map(({ at, state, userId, userLogin, startedAt, title }) =>
    [
      clock(new Date(at)),
      printable(userLogin) || `user ${userId}`,
      STATE_WORDS[state],
      `"${printable(title)}"`,
      `${duration(Date.parse(at) - Date.parse(startedAt))} after start`,
    ].join('  '),
  );
  output.answer(lines.join('\n'), found);
  if (lines.length === 0) output.note('Nothing was announced lately.');
  return EXIT.ok;
}

/** `polls` */
export async function polls(output: Output, { limit, url }: ViewOptions): Promise<number> {
  const found = await read(url, (views) => views.polls(limit));
  const now = Date.now();
  const lines = found.polls.flatMap((report) => {
    const [first, ...more] = reportLines(report);
    return [`${ago(report.startedAt, now)}: ${first}`, ...more.map((line) => `  ${line}`)];
  });
  output.answer(lines.join('\n'), found);
  output.note(lines.length === 0 ? 'No poll has ended lately.' : found.frequency.words);
  return EXIT.ok;
}
