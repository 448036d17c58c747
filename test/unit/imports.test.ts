import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { describe, it } from 'node:test';

const SRC = resolve(import.meta.dirname, '../../src');

interface Import {
  file: string;
  /** A module of ours by its path below `src`, or a package's name. */
  target: string;
  typeOnly: boolean;
}

const imports: Import[] = globSync('**/*.ts', { cwd: SRC }).flatMap((file) => {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/^(import|export) (type )?[^;]*? from '([^']+)';$/gms)].map(([, , type, from = '']) => ({
    file,
    target: from.startsWith('.') ? normalize(join(dirname(file), from)) : from,
    typeOnly: type !== undefined,
  }));
});

/** What each folder may load of the others; anything may import types, and the root's shared modules. */
const MAY_LOAD: Record<string, string[]> = {
  config: [],
  twitch: ['config'],
  storage: ['config'],
  publisher: ['config'],
  workflows: [],
  activities: ['config', 'twitch', 'storage', 'publisher', 'workflows'],
  http: ['config'],
  worker: ['config', 'twitch', 'storage', 'publisher', 'workflows', 'activities', 'http'],
  client: ['config', 'twitch', 'storage', 'publisher', 'workflows'],
};

describe('imports', () => {
  it('point one way: entry points, then workflows and activities, then what they work with, then config', () => {
    const wrong = imports.filter(({ file, target, typeOnly }) => {
      const [from = '', to = ''] = [file.split('/')[0], target.split('/')[0]];
      if (typeOnly || !(from in MAY_LOAD) || !(to in MAY_LOAD) || from === to) return false;
      return !MAY_LOAD[from]?.includes(to);
    });
    assert.deepEqual(wrong, []);
  });

  it('of workflow code are types, its own modules, names, and what Temporal allows in its sandbox', () => {
    const wrong = imports.filter(
      ({ file, target, typeOnly }) =>
        file.startsWith('workflows/') &&
        !typeOnly &&
        !target.startsWith('workflows/') &&
        // `instance.ts` is names alone.
        !['@temporalio/workflow', '@temporalio/common', 'instance.ts'].includes(target),
    );
    assert.deepEqual(wrong, []);
    assert.ok(imports.length > 100, 'the imports were found');
  });
});
