import { fileURLToPath } from 'node:url';

/** Where the committed histories are, one file for each scenario of `test/workflows/scenarios.ts`. */
export const historiesFolder = fileURLToPath(new URL('histories/', import.meta.url));

export function historyFile(scenario: string): string {
  return `${historiesFolder}${scenario}.json`;
}
