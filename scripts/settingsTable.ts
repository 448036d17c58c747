import { readFileSync, writeFileSync } from 'node:fs';
import { settingsSchema } from '../src/config/env.ts';

const README = new URL('../README.md', import.meta.url);
const PLACE = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/;

/** Defaults that depend on another setting can't be read from the schema. */
const DEPENDENT: Record<string, string> = { TWITCH_VALIDATE_TTL_SECONDS: 'the poll interval' };

/** The settings as a Markdown table, from their schema. */
export function settingsTable(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, setting]) => {
    const result = setting.safeParse(undefined);
    const value = result.success ? result.data : undefined;
    const text = DEPENDENT[name] ?? (result.success ? formatDefault(value) : '**required**');
    return `| \`${name}\` | ${text} | ${setting.description} |`;
  });
  return ['| setting | default | what it is for |', '|---|---|---|', ...rows, ''].join('\n');
}

function formatDefault(value: unknown): string {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0) ? '' : `\`${value}\``;
}

/** The README as it should be. */
export function readmeWithTable(readme = readFileSync(README, 'utf8')): string {
  return readme.replace(PLACE, (_, before: string, after: string) => `${before}${settingsTable()}${after}`);
}

if (import.meta.main) writeFileSync(README, readmeWithTable());
