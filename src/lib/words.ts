/** `1,234,567` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 user`, `2,000 users`; pass the plural where an "s" does not make it. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** A span of time with the two units that matter: `340 ms`, `3.1 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  const abs = Math.abs(ms);
  const sign = ms < 0 ? '-' : '';
  if (abs < 1_000) return `${sign}${Math.round(abs)} ms`;
  if (abs < 59_950) return `${sign}${(abs / 1_000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(abs / 1_000);
  if (seconds < 3_600) return sign + twoUnits(seconds, 60, 'min', 1, 's');
  if (seconds < 86_400) return sign + twoUnits(seconds, 3_600, 'h', 60, 'min');
  return sign + twoUnits(seconds, 86_400, 'd', 3_600, 'h');
}

function twoUnits(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}

/** `12 s ago` */
export function ago(time: Date | string, nowMs: number): string {
  const ms = nowMs - new Date(time).getTime();
  return ms < 1_000 ? 'just now' : `${duration(ms < 59_950 ? Math.round(ms / 1_000) * 1_000 : ms)} ago`;
}

/** `12:03:04` in the local time zone. */
export function clock(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Untrusted text (titles, logins) without what would move a terminal's cursor or break its line. */
export function printable(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
}
