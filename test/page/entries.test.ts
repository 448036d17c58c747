import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badLabels, parseEntries } from '../../src/http/page/entries.ts';

test('entries are read as people write them', () => {
  const { ids, names, bad } = parseEntries(
    '141981764, 12826\r\nPixelPanda @mossyotter\n  https://www.twitch.tv/dapperfalcon?tt=1 twitch.tv/a\ngame:509658\nGAME: Papers, Please\ngame:\n' +
      'https://example.org/x ../../etc',
  );
  assert.deepEqual(ids, { user: ['141981764', '12826'], game: ['509658'] });
  assert.deepEqual(names, { user: ['pixelpanda', 'mossyotter', 'dapperfalcon', 'a'], game: ['Papers, Please'] });
  assert.deepEqual(bad, ['game:', 'https://example.org/x', '../../etc']);
});

test('labels are refused with what is wrong', () => {
  assert.equal(badLabels(' customer 7 ,, vip'), undefined);
  assert.match(badLabels('a\u0007b') ?? '', /^Labels: expected at most 64 characters/);
  assert.match(badLabels(Array.from({ length: 11 }, (_, i) => `l${i}`).join()) ?? '', /^Labels: /);
});
