import { CHANNEL_URL, LOGIN, NUMERIC_ID } from '../../poll/ids.ts';
import type { TargetKind } from '../../poll/model.ts';
import { labelsSchema } from '../api/targetSchemas.ts';

export interface Entries {
  ids: Record<TargetKind, string[]>;
  names: Record<TargetKind, string[]>;
  /** What is neither. */
  bad: string[];
}

/** Reads what a person has typed or pasted: ids, logins and links to channels, and games as `game:ID` or `game:NAME`. */
export function parseEntries(text: string): Entries {
  const entries: Entries = { ids: { user: [], game: [] }, names: { user: [], game: [] }, bad: [] };
  for (const line of text.split(/\r?\n/)) {
    const game = /^\s*game:(.*)$/i.exec(line)?.[1]?.trim();
    if (game) {
      entries[NUMERIC_ID.test(game) ? 'ids' : 'names'].game.push(game);
      continue;
    }
    // Names of games hold commas and spaces; of users several may stand in a line.
    for (const word of line.split(/[\s,;]+/).filter(Boolean)) {
      const name = userOf(word);
      if (NUMERIC_ID.test(name)) entries.ids.user.push(name);
      else if (LOGIN.test(name)) entries.names.user.push(name.toLowerCase());
      else entries.bad.push(word.slice(0, 60));
    }
  }
  return entries;
}

/** What somebody means by a word for a user: the id or login, out of a link to the channel or of `@login`, too. */
export function userOf(word: string): string {
  return CHANNEL_URL.exec(word)?.[1] ?? word.replace(/^@/, '');
}

/** Labels as they are typed: separated by commas. */
export function labelsOf(text: string): string[] {
  return [...new Set(text.split(',').map((label) => label.trim()))].filter(Boolean);
}

/** What is wrong with labels that were typed. */
export function badLabels(text: string): string | undefined {
  const { error } = labelsSchema.safeParse(labelsOf(text));
  return error && `Labels: ${error.issues[0]?.message}.`;
}
