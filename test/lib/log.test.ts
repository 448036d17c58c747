import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLogger } from '../../src/lib/log.ts';
import { jsonLines } from '../../src/lib/logLines.ts';

const HOSTILE = 'a\nb\r\u001b[2Jc\u009b31md\u2028e\u0085f\u202eg\u0000';

function record(level: string) {
  const lines: string[] = [];
  const logger = createLogger(level, { to: jsonLines({ write: (line) => void lines.push(line) }) });
  return { logger, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

describe('the log', () => {
  it('tells a warning that repeats itself once, all others and all that is no warning each time', () => {
    const { logger, parsed } = record('info');
    for (let i = 0; i < 3; i++) {
      logger.warn({ error: 'refused' }, 'no store');
      logger.child({ component: 'http' }).warn({ error: 'refused' }, 'no store');
      logger.info('poll ended');
    }
    logger.warn({ error: 'no route' }, 'no store');
    assert.deepEqual(
      parsed().map(({ component = '', msg, error = '' }) => [component, msg, error].join(' ').trim()),
      ['no store refused', 'http no store refused', 'poll ended', 'poll ended', 'poll ended', 'no store no route'],
    );
  });

  it('does the same with a service that is back all the time, and never holds back why the process ends', () => {
    const { logger, parsed } = record('info');
    for (let i = 0; i < 3; i++) logger.info({ back: 'store' }, 'connected to the store');
    for (let i = 0; i < 2; i++) logger.fatal('not stopped');
    assert.deepEqual(
      parsed().map(({ msg }) => msg),
      ['connected to the store', 'not stopped', 'not stopped'],
    );
  });

  it('at debug has each of them, with the level that it would have had', () => {
    const { logger, parsed } = record('debug');
    for (let i = 0; i < 2; i++) logger.error(new Error('broken'));
    assert.deepEqual(
      parsed().map(({ level, limited, msg, err }) => [level, limited, msg, err.message]),
      [
        [50, undefined, 'broken', 'broken'],
        [20, 'error', 'broken', 'broken'],
      ],
    );
  });

  it('says when something is over that was not told each time', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
    const { logger, parsed } = record('info');
    for (let i = 0; i < 5; i++) logger.warn('no store');
    t.mock.timers.tick(150_000);
    const [, over, ...more] = parsed();
    assert.match(over.msg, /^over, for 2 min there was no more of: no store$/);
    assert.deepEqual([over.level, over.times, over.since], [30, 5, '1970-01-01T00:00:00.000Z']);
    assert.deepEqual(more, []);
  });

  it('keeps a line of JSON one line whatever a text holds, for those too that end lines elsewhere', () => {
    const { logger, lines } = record('info');
    logger.info({ title: HOSTILE, [HOSTILE]: 1 }, HOSTILE);
    const [line = ''] = lines;
    assert.match(line, /^[ -~]+\n$/);
    const { title, msg } = JSON.parse(line);
    assert.deepEqual([title, msg], [HOSTILE, HOSTILE]);
  });

  it('for reading has no order to a terminal, no colour where there is none, and stacks that can not pass for lines', () => {
    const program = `
      import { createLogger } from './src/lib/log.ts';
      import { openLog } from './src/lib/logLines.ts';
      const logger = createLogger('info', { to: await openLog('pretty') });
      const text = ${JSON.stringify(HOSTILE)};
      logger.info({ title: text, list: [text], deep: { text } }, text);
      logger.error(new Error(text + '[12:00:00.000] INFO: all is well'), 'failed');
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: join(import.meta.dirname, '..', '..'),
      encoding: 'utf8',
    });
    assert.match(output, /^[ -~\n]+$/);
    const [first = '', ...rest] = output.trimEnd().split('\n');
    assert.match(first, /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: a b \[2Jc 31md e f g \{.*"title":"a b/);
    assert.match(rest.shift() ?? '', /^\[.{12}\] ERROR: failed/);
    for (const line of rest) assert.match(line, /^ {4}/);
  });
});
