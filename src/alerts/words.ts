const UNITS = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3_600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const;

/** `45 s`, `12 min`, `3 h`, `2 d`: as exact as an alert needs. */
export function inWords(seconds: number): string {
  const unit = UNITS.find((each) => seconds >= 2 * each.seconds);
  return unit ? `${Math.round(seconds / unit.seconds)} ${unit.name}` : `${Math.max(0, Math.round(seconds))} s`;
}

/** `1 message`, `2 messages` */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${value} ${value === 1 ? singular : plural}`;
}
