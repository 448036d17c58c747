import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Entry, parseLine } from '../../src/cli/targets/import/line.ts';
import { TargetImport } from '../../src/cli/targets/import/targetImport.ts';
import { LONGEST_LINE, readLines } from '../../src/lib/readLines.ts';

const entry = (line: string, kind: 'user' | 'game' = 'user'): Entry | undefined => {
  const parsed = parseLine(line, kind);
  return parsed.type === 'entry' ? parsed.entry : undefined;
};

test('lines are read in every form', () => {
  assert.deepEqual(entry('123'), { kind: 'user', id: '123' });
  assert.deepEqual(entry(' 123 ', 'game'), { kind: 'game', id: '123' });
  assert.deepEqual(entry('user:123\r', 'game'), { kind: 'user', id: '123' });
  assert.deepEqual(entry('USER : 4711'), { kind: 'user', id: '4711' });
  assert.deepEqual(entry('\uFEFFgame:509658,Just Chatting'), { kind: 'game', id: '509658' });
  assert.deepEqual(entry('123;x'), { kind: 'user', id: '123' });
  assert.deepEqual(entry('"123","a, b"'), { kind: 'user', id: '123' });
  assert.deepEqual(entry('123 # pixelpanda'), { kind: 'user', id: '123' });
  assert.deepEqual(entry('login:PixelPanda, yes'), { kind: 'user', login: 'pixelpanda' });
  assert.deepEqual(entry('game-name:Papers, Please'), { kind: 'game', name: 'Papers, Please' });
  assert.deepEqual(entry('game-name: #DRIVE '), { kind: 'game', name: '#DRIVE' });
  assert.deepEqual(entry('"game-name:The ""X"" Files, 2",7'), { kind: 'game', name: 'The "X" Files, 2' });
});

test('blank lines, comments and a header in the first line are nothing', () => {
  for (const line of ['', '  ', '\uFEFF', '# user:1', '\t#x'])
    assert.deepEqual(parseLine(line, 'user'), { type: 'nothing' });
  assert.deepEqual(parseLine('user_id,login', 'user', true), { type: 'nothing' });
  assert.deepEqual(parseLine('"game_id"', 'user', true), { type: 'nothing', headerKind: 'game' });
  assert.equal(parseLine('user_id,login', 'user').type, 'bad');
});

test('bad lines say what is expected', () => {
  const expected = (line: string) => {
    const parsed = parseLine(line, 'user');
    return parsed.type === 'bad' ? parsed.expected : undefined;
  };
  assert.match(expected('pixelpanda') ?? '', /login:/);
  assert.match(expected('user:pixelpanda') ?? '', /login:/);
  assert.match(expected('game:Chess') ?? '', /game-name:/);
  assert.match(expected('user:') ?? '', /an id after "user:"/);
  assert.match(expected('user:1:2') ?? '', /an id after "user:"/);
  assert.match(expected(`user:${'1'.repeat(65)}`) ?? '', /an id after/);
  assert.match(expected('login:a b') ?? '', /a login name/);
  assert.match(expected('channel:1') ?? '', /"user:", "game:", "login:" or "game-name:"/);
  assert.match(expected('game-name:') ?? '', /exactly as Twitch shows it/);
  assert.match(expected(',123') ?? '', /digits/);
});

const id = fc.stringMatching(/^[0-9]{1,12}$/);
const good = fc.oneof(
  fc.record({ kind: fc.constantFrom('user' as const, 'game' as const), id }),
  id.map((bare) => ({ kind: 'user' as const, id: bare, bare: true })),
);

test('nothing that a line holds makes the parser fail, and what it accepts is sound', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), fc.boolean(), (line, first) => {
      const parsed = parseLine(line, 'user', first);
      if (parsed.type === 'bad') assert.notEqual(parsed.expected, '');
      if (parsed.type !== 'entry') return;
      if ('id' in parsed.entry) assert.match(parsed.entry.id, /^[\w-]{1,64}$/);
      else if ('login' in parsed.entry) assert.match(parsed.entry.login, /^[a-z0-9_]{1,25}$/);
      else assert.match(parsed.entry.name, /^\P{Cc}{1,200}$/u);
    }),
    { numRuns: 2_000 },
  );
});

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test('good lines survive whatever stands between them, however the bytes arrive', async () => {
  const junk = fc.string().map((text) => text.replace(/[\r\n"]/g, ''));
  const line = fc.oneof(good, junk);
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.constantFrom('\n', '\r\n', '\r'), sizes, async (lines, end, chunkSizes) => {
      const wanted = { user: new Set<string>(), game: new Set<string>() };
      const text = lines.map((each) => {
        if (typeof each === 'string') return each;
        wanted[each.kind].add(each.id);
        return 'bare' in each ? each.id : `${each.kind}:${each.id}`;
      });
      const stored = { user: new Set<string>(), game: new Set<string>() };
      const targets = {
        async add(kind: 'user' | 'game', ids: readonly string[]) {
          for (const each of ids) stored[kind].add(each);
          return ids.length;
        },
      };
      const lookUp = { ids: async () => new Map() };
      const bytes = Buffer.from(text.join(end));
      const input = pieces(bytes, chunkSizes);
      const progress = await new TargetImport({ input, kind: 'user', store: { targets, lookUp } }).run();
      for (const kind of ['user', 'game'] as const)
        assert.deepEqual(
          [...wanted[kind]].filter((each) => !stored[kind].has(each)),
          [],
        );
      assert.equal(progress.bytes, bytes.length);
      assert.ok(progress.bad.every((bad) => bad.line >= 1 && bad.line <= progress.lines));
    }),
  );
});

test('a line without an end does not fill the memory', async () => {
  const endless = Array.from({ length: 200 }, () => Buffer.alloc(65_536, 'x'));
  const lines: string[] = [];
  for await (const block of readLines(pieces(Buffer.concat([...endless, Buffer.from('\n123')]), [65_536]))) {
    lines.push(...block.lines);
  }
  assert.equal(lines.length, 2);
  assert.ok((lines[0] ?? '').length <= LONGEST_LINE + 1);
  assert.equal(lines[1], '123');
});

test('UTF-16 is refused with advice', async () => {
  const input = pieces(Buffer.from('\uFEFF123\n', 'utf16le'), [64]);
  await assert.rejects(new TargetImport({ input }).run(), /the file is UTF-16; save it as UTF-8/);
});
