/**
 * What could end a line, move a terminal's cursor or turn the direction of the text behind it: control characters (C0,
 * C1), line and paragraph separators, and Unicode's explicit bidirectional controls. Titles in Arabic or Hebrew need none.
 */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Makes untrusted text safe to pass on: well-formed Unicode (a lone surrogate becomes U+FFFD; JSON can carry one,
 * UTF-8 can't), controls as spaces, and at most `most` UTF-16 units, cut between characters.
 */
export function cleanText(text: string, most: number): string {
  const cut = text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') : text;
  return cut.toWellFormed().replace(CONTROLS, ' ');
}
