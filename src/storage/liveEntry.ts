import type { Stream } from '../poll/model.ts';

/** An entry of the live set: what the scripts work with, and what they only keep. */
export interface LiveEntry extends Omit<Stream, 'id' | 'userId'> {
  streamId: string;
  seenMs: number;
  byUser: boolean;
  misses: number;
}

/** A stream of the live set, for people and other programs to look at. */
export interface LiveStream extends Omit<Stream, 'id'> {
  streamId: string;
  /** RFC 3339: when a poll last saw it. */
  seenAt: string;
}

/** Reads an entry as the scripts write it: two JSON texts, a line each. */
export function readLiveEntry(text: string): LiveEntry {
  const [state = '{}'] = text.split('\n', 1);
  return { ...JSON.parse(state), ...readAbout(text) };
}

/** Of an entry, what the scripts only keep. */
export function readAbout(text: string): Pick<LiveEntry, 'userLogin' | 'title' | 'startedAt'> {
  const at = text.indexOf('\n');
  return { userLogin: '', title: '', startedAt: '', ...(at >= 0 && JSON.parse(text.slice(at + 1))) };
}
