import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** The rooms of the house, from the ground up: each may import of those that stand on lower floors, types included. */
const FLOORS = [
  ['src/lib'],
  ['src/poll'],
  ['src/config'],
  ['src/twitch', 'src/storage', 'src/publisher', 'src/http', 'src/alerts'],
  ['src/activities'],
  ['src/workflows', 'src/temporal'],
  ['src/status'],
  ['src/worker', 'src/cli'],
  ['src'],
  ['sandbox/twitch', 'sandbox/services', 'sandbox/faultProxy.ts'],
  ['sandbox'],
  ['bench/lib'],
  ['bench/contenders'],
  ['bench/scenarios'],
  ['bench'],
];

/** Workflow code is replayed: it may load the poll's own rules, and what Temporal allows in its sandbox. */
const LOADED_BY_WORKFLOWS = /^(src\/workflows\/|src\/poll\/|@temporalio\/(workflow|common)$)/;

interface Import {
  file: string;
  /** A file of ours, from the root, or a package's name. */
  target: string;
  typeOnly: boolean;
}

const STATEMENT = /^(?:import|export) (type )?[^;]*?from '([^']+)';$|import\(\s*'([^']+)'\s*\)|^import '([^']+)';$/gms;

const files = globSync('{src,sandbox,bench}/**/*.ts', { cwd: ROOT });
const imports: Import[] = files.flatMap((file) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(STATEMENT)].map(([, type, ...specifiers]) => {
    const specifier = specifiers.find((each) => each !== undefined) ?? '';
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
    return { file, target, typeOnly: type !== undefined };
  }),
);

/** The longest room that the file is in, and its floor. */
function roomOf(file: string): { room: string; floor: number } {
  const rooms = FLOORS.flatMap((names, floor) => names.map((room) => ({ room, floor })));
  const [found] = rooms
    .filter(({ room }) => file === room || file.startsWith(`${room}/`))
    .sort((a, b) => b.room.length - a.room.length);
  assert.ok(found, `${file} is in a room that this test knows`);
  return found;
}

describe('imports', () => {
  it('go down, from room to room', () => {
    const ours = imports.filter(({ target }) => target.endsWith('.ts'));
    assert.ok(ours.length > 500, 'the imports were found');
    const wrong = ours.filter(({ file, target }) => {
      if (!/^(src|sandbox|bench)\//.test(target)) return true;
      const [from, to] = [roomOf(file), roomOf(target)];
      return from.room !== to.room && from.floor <= to.floor;
    });
    assert.deepEqual(wrong, []);
  });

  it('of workflow code, and of what it loads, are pure', () => {
    const wrong = imports.filter(
      ({ file, target, typeOnly }) =>
        !typeOnly &&
        ((file.startsWith('src/workflows/') && !LOADED_BY_WORKFLOWS.test(target)) ||
          (file.startsWith('src/poll/') && !/^src\/(poll|lib)\//.test(target))),
    );
    assert.deepEqual(wrong, []);
  });

  it('of workflow code know activities by their type alone', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        file.startsWith('src/workflows/') &&
        target.startsWith('src/') &&
        !/^src\/(workflows|poll)\//.test(target) &&
        target !== 'src/activities/index.ts',
    );
    assert.deepEqual(wrong, []);
  });

  it('find src with nothing in its root but the entry points', () => {
    assert.deepEqual(
      files.filter((file) => dirname(file) === 'src'),
      ['src/client.ts', 'src/worker.ts'],
    );
  });
});
