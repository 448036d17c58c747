/** What a message may not carry: control characters, and what breaks lines or turns the direction of text. */
const FORBIDDEN: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x2028, 0x2029],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
];
/** Half of a character, without the other half. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** As docs/reliability.md promises it, by other means than the service's. */
function treated(text: string, most: number): string {
  const cut = text.slice(0, most);
  const whole = cut.length < text.length && /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
  const spaced = (char: string) => {
    const code = char.charCodeAt(0);
    return FORBIDDEN.some(([first, last]) => code >= first && code <= last) ? ' ' : char;
  };
  return [...whole.replace(LONE, '\ufffd')].map(spaced).join('');
}

/** What becomes of a text from Twitch on its way into a message. */
export const asAnnounced = {
  title: (text: string) => treated(text, 500),
  login: (text: string) => treated(text, 100),
};

/** Titles that have silenced streams, or their neighbours, in some program or other. */
export const HOSTILE_TITLES: readonly string[] = [
  'half a character \ud83d',
  '\udc00 the other half',
  'a NUL \u0000 in the middle',
  '\u001b[2J\u001b]0;owned\u0007 a terminal\r\nand a second line\u2028and a third',
  '\u202eright to left\u2066',
  `${'x'.repeat(499)}\u{1f600}`,
  '\u{1f600}'.repeat(100_000),
  'long '.repeat(200_000),
  `${'\ud83d'.repeat(2_000)}"\\'}]}{{$(reboot)\u0000`,
  '',
];
