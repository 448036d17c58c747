import { LOGIN, NUMERIC_ID } from '../../../poll/ids.ts';
import type { TargetKind } from '../../../poll/model.ts';

/** What one line of an import file asks for. Logins and game names are looked up at Twitch. */
export type Entry = { kind: TargetKind; id: string } | { kind: 'user'; login: string } | { kind: 'game'; name: string };

/** How one line was read: an entry, nothing (blank, comment, header), or what was expected in its place. */
export type ParsedLine =
  | { type: 'entry'; entry: Entry }
  | { type: 'nothing'; headerKind?: TargetKind }
  | { type: 'bad'; expected: string };

const NAME_LENGTH = 200;
const HEADER = /^(id|user|user_?id|broadcaster_?id|channel_?id|game|game_?id|category_?id|target|login|name)$/i;
const GAME_HEADER = /^(game|category)/i;

/** Whether a text can be a login name of Twitch's. */
export function isLogin(text: string): boolean {
  return LOGIN.test(text);
}

/**
 * Reads one line of an import file: `user:123`, `game:509658`, `login:pixelpanda`, `game-name:Just Chatting`, or an id
 * alone, which is of `kind`. It may be the first column of a CSV file; `#` begins a comment.
 *
 * @param first whether no other line has been read: only there a CSV header is one
 */
export function parseLine(line: string, kind: TargetKind, first = false): ParsedLine {
  const text = line.replace(/^\uFEFF/, '').trim();
  if (text === '' || text.startsWith('#')) return { type: 'nothing' };
  const quoted = /^"((?:[^"]|"")*)"\s*(?:[,;\t#]|$)/.exec(text)?.[1]?.replaceAll('""', '"').trim();
  const name = /^game-name\s*:(.*)$/i.exec(quoted ?? text)?.[1];
  // Names of games hold commas and "#" ("Papers, Please", "#DRIVE"), so that one without quotes is the whole line.
  if (name !== undefined) return parseName(name.trim());

  const cell = quoted ?? text.replace(/(?:[,;\t]|\s#).*$/s, '').trim();
  const [, prefix, value = ''] = /^([a-z-]+)\s*:\s*(.*)$/is.exec(cell) ?? [];
  if (prefix === undefined) return parseBareId(cell, kind, first);
  switch (prefix.toLowerCase()) {
    case 'user':
    case 'game':
      if (!NUMERIC_ID.test(value)) {
        const name = prefix.toLowerCase() === 'user' ? 'login:' : 'game-name:';
        return bad(`an id after "${prefix}:", such as ${prefix}:141981764; a name is written ${name}…`);
      }
      return { type: 'entry', entry: { kind: prefix.toLowerCase() as TargetKind, id: value } };
    case 'login':
      if (!isLogin(value)) return bad('a login name after "login:", letters, digits and "_"');
      return { type: 'entry', entry: { kind: 'user', login: value.toLowerCase() } };
    default:
      return bad('"user:", "game:", "login:" or "game-name:" before the ":"');
  }
}

function parseName(name: string): ParsedLine {
  if (name === '' || name.length > NAME_LENGTH || /[\p{Cc}\uFFFD]/u.test(name)) {
    return bad('a name after "game-name:", exactly as Twitch shows it');
  }
  return { type: 'entry', entry: { kind: 'game', name } };
}

function parseBareId(cell: string, kind: TargetKind, first: boolean): ParsedLine {
  if (first && HEADER.test(cell)) return { type: 'nothing', ...(GAME_HEADER.test(cell) && { headerKind: 'game' }) };
  if (NUMERIC_ID.test(cell)) return { type: 'entry', entry: { kind, id: cell } };
  const wanted = kind === 'user' ? 'login:' : 'game-name:';
  return bad(`a ${kind} id (digits); a name is written ${wanted}…`);
}

function bad(expected: string): ParsedLine {
  return { type: 'bad', expected };
}
