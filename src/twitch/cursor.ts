/**
 * Whether a cursor leads nowhere. Twitch's are base64 of JSON, `{"b":…,"a":{"Cursor":"…"}}`: the places before and after
 * the page. When `a` is empty, nothing can be asked for behind the page (twitchdev/issues#543, and the sample in #199).
 * The older form is both places with a space between them, encoded once more: there a dead one ends in the space (`IA` in
 * #2, `…IA` in #93). Anything else is opaque, and taken for good.
 */
export function isDeadCursor(cursor: string): boolean {
  // Lenient: what is no base64 at all becomes text that fits none of the forms.
  const text = Buffer.from(cursor, 'base64').toString();
  if (/^[\w+/=-]* $/.test(text)) return true;
  let decoded: unknown;
  try {
    decoded = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof decoded !== 'object' || decoded === null || !('a' in decoded)) return false;
  const { a: place } = decoded;
  return isNothing(place) || (typeof place === 'object' && Object.values(place ?? {}).every(isNothing));
}

function isNothing(value: unknown): boolean {
  return value === '' || value === null;
}
