import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface ComposeService {
  image: string;
  build?: string;
  profiles?: string[];
  command?: string[];
  environment?: Record<string, string | number>;
  env_file?: { path: string; required: boolean }[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  ports?: string[];
  volumes?: string[];
  restart?: string;
  stop_grace_period?: string;
  hostname?: string;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

/** The compose file with its anchors and merges resolved; variables stand as they are written. */
export function readCompose(): ComposeFile {
  return parse(readFileSync(`${PROJECT}/docker-compose.yml`, 'utf8'), { merge: true }) as ComposeFile;
}

export function service(file: ComposeFile, name: string): ComposeService {
  const found = file.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** Fills in the variables of a text as compose does when none is set, for the form that the file uses: `${NAME:-default}`. */
export function interpolate(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
}
