import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runInBackground, startTime, whatGoesOn } from '../../scripts/background.mjs';
import { eventually } from '../support/services.ts';

const MODULE = resolve(import.meta.dirname, '../../scripts/background.mjs');

/** Work that takes a while, counts how often it was begun, and is done when its result is there. */
function work(t: TestContext, script = 'sleep 1; echo half; sleep 1; echo whole; touch "$DIR/result"') {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-work-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return {
    dir,
    runs: () => readFileSync(join(dir, 'runs'), 'utf8').split('\n').length - 1,
    record: () => JSON.parse(readFileSync(join(dir, 'work.json'), 'utf8')) as { pid: number },
    options: {
      name: 'the work',
      file: join(dir, 'work'),
      command: '/bin/sh',
      args: ['-c', `echo run >> "$DIR/runs"; ${script}`],
      env: { ...process.env, DIR: dir },
      isDone: () => existsSync(join(dir, 'result')),
    },
  };
}

/** Asks for the same in a process of its own. */
function another(dir: string) {
  const script = `
    import { existsSync } from 'node:fs';
    const { runInBackground } = await import(${JSON.stringify(MODULE)});
    await runInBackground({ name: 'the work', file: ${JSON.stringify(join(dir, 'work'))}, command: '/bin/sh',
      args: ['-c', 'echo run >> "$DIR/runs"; sleep 2; touch "$DIR/result"'], env: { ...process.env, DIR: ${JSON.stringify(dir)} },
      isDone: () => existsSync(${JSON.stringify(join(dir, 'result'))}) });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  return { child, exited: new Promise<number | null>((done) => child.once('exit', done)) };
}

test('it is done once, however many ask for it, and its lines are told to all', async (t) => {
  const { dir, options, runs } = work(t);
  const lines: [string[], string[]] = [[], []];
  const others = [another(dir), another(dir), another(dir)];
  const here = lines.map((told) => runInBackground({ ...options, onLine: (line) => told.push(line) }));
  await Promise.all(here);
  assert.deepEqual(await Promise.all(others.map(({ exited }) => exited)), [0, 0, 0]);
  assert.equal(runs(), 1);
  assert.deepEqual(lines[0], lines[1]);
  await runInBackground(options);
  assert.equal(runs(), 1, 'what is done is not done again');
  assert.deepEqual(readdirSync(dir).sort(), ['result', 'runs', 'work.log'], 'nothing else is left');
});

test('it goes on when whoever asked for it is killed, and the next one joins it', async (t) => {
  const { dir, options, runs, record } = work(t);
  const first = another(dir);
  // Begun, and written down by whoever began it.
  await eventually(() => runs() === 1 && record().pid !== first.child.pid);
  first.child.kill('SIGKILL');
  await first.exited;
  await runInBackground(options);
  assert.equal(runs(), 1);
});

test('a signal ends the waiting and not the work, and it is told what goes on and how to stop it', async (t) => {
  const { options, runs, record } = work(t);
  const stopping = new AbortController();
  const waiting = runInBackground({ ...options, signal: stopping.signal, onLine: () => stopping.abort() });
  await assert.rejects(waiting, /stopped waiting for the work/);
  const { pid } = record();
  assert.match(whatGoesOn().join(), new RegExp(`the work goes on .*work\\.log; to stop it: kill -- -${pid}\\)`));
  await eventually(options.isDone);
  assert.equal(runs(), 1);
});

test('work that was stopped is begun again by whoever had joined it', async (t) => {
  const { dir, options, runs, record } = work(t);
  const first = another(dir);
  await eventually(() => runs() === 1);
  const joined = runInBackground(options);
  process.kill(-record().pid, 'SIGKILL');
  await joined;
  assert.equal(runs(), 2);
  await first.exited;
});

test('work that fails is an error with its last lines, and so is a program that is not there', async (t) => {
  const { options } = work(t, 'echo why it failed; exit 1');
  await assert.rejects(runInBackground(options), /the work failed:\nwhy it failed/);
  await assert.rejects(
    runInBackground({ ...options, command: '/nowhere/program' }),
    /the work failed:\n\/nowhere\/program could not be started/,
  );
});

test('a record whose process is gone, has an id that another has by now, or cannot be read holds nobody up', async (t) => {
  const { dir, options, runs } = work(t, 'touch "$DIR/result"');
  const records = [
    { pid: 2 ** 22 + 1, startedAt: '7', sinceMs: 0 },
    { pid: process.pid, startedAt: `${startTime(process.pid)}0`, sinceMs: 0 },
  ];
  for (const [count, text] of [...records.map((record) => JSON.stringify(record)), '{"pid":1'].entries()) {
    writeFileSync(join(dir, 'work.json'), text);
    rmSync(join(dir, 'result'), { force: true });
    await runInBackground(options);
    assert.equal(runs(), count + 1);
  }
});
