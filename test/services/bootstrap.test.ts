import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/services.ts';

const root = resolve(import.meta.dirname, '../..');
const script = join(root, 'scripts', 'bootstrap.mjs');
const { whyInstall, chooseNode } = (await import(script)) as {
  whyInstall(root: string, development: boolean): string | undefined;
  chooseNode(root: string, version: string, execPath: string): string | undefined;
};

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-bootstrap-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

interface Locked {
  version: string;
  dev?: boolean;
  optional?: boolean;
}

function checkout(t: TestContext, wanted: Record<string, Locked>, installed?: Record<string, Locked>): string {
  const dir = folder(t);
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: { '': { version: '0.0.0' }, ...wanted } }));
  if (installed) {
    mkdirSync(join(dir, 'node_modules'));
    writeFileSync(join(dir, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  }
  return dir;
}

const a1 = { 'node_modules/a': { version: '1.0.0' } };

test('a fresh clone needs an installation', (t) => {
  assert.match(whyInstall(checkout(t, a1), false) ?? '', /not installed/);
});

test('what was installed from the same lock file needs nothing', (t) => {
  assert.equal(whyInstall(checkout(t, a1, a1), true), undefined);
});

test('a package that is missing or has another version needs an installation', (t) => {
  assert.match(whyInstall(checkout(t, a1, {}), false) ?? '', /differ/);
  assert.match(whyInstall(checkout(t, a1, { 'node_modules/a': { version: '1.0.1' } }), false) ?? '', /differ/);
});

test('development packages count only for what needs them, optional ones never', (t) => {
  const dev = { ...a1, 'node_modules/d': { version: '1.0.0', dev: true } };
  assert.equal(whyInstall(checkout(t, dev, a1), false), undefined);
  assert.match(whyInstall(checkout(t, dev, a1), true) ?? '', /differ/);
  const optional = { ...a1, 'node_modules/other-platform': { version: '1.0.0', optional: true } };
  assert.equal(whyInstall(checkout(t, optional, a1), true), undefined);
});

test('a recent Node runs the entry itself; an old one gives way to the one among the dependencies', (t) => {
  const dir = checkout(t, a1, a1);
  assert.equal(chooseNode(dir, 'v24.1.0', '/usr/bin/node'), '/usr/bin/node');
  assert.equal(chooseNode(dir, 'v20.20.2', '/usr/bin/node'), undefined);
  mkdirSync(join(dir, 'node_modules', '.bin'));
  writeFileSync(join(dir, 'node_modules', '.bin', 'node'), '');
  assert.equal(chooseNode(dir, 'v20.20.2', '/usr/bin/node'), join(dir, 'node_modules', '.bin', 'node'));
});

test('the entry gets the arguments, its exit code is passed on, and nothing else is printed', (t) => {
  const entry = join(folder(t), 'entry.ts');
  writeFileSync(entry, 'const words: string[] = process.argv.slice(2); console.log(words.join("+")); process.exit(7);');
  const result = spawnSync(process.execPath, [script, relative(root, entry), 'one', '--two'], { encoding: 'utf8' });
  assert.deepEqual([result.status, result.stdout, result.stderr], [7, 'one+--two\n', '']);
});

test('SIGTERM reaches the entry once, and its end is ours', async (t) => {
  const entry = join(folder(t), 'entry.ts');
  writeFileSync(
    entry,
    `let got = 0;
     process.on('SIGTERM', () => { got++; setTimeout(() => { console.log('got ' + got); process.exit(3); }, 300); });
     setInterval(() => {}, 1000);
     console.log('ready');`,
  );
  const child = spawn(process.execPath, [script, relative(root, entry)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (text.includes('ready')) for (let i = 0; i < 2; i++) child.kill('SIGTERM');
  });
  const code = await new Promise((done) => child.once('exit', done));
  assert.equal(code, 3);
  assert.match(output, /got 1/);
});

test('npm ci goes on after Ctrl-C, and the next start joins it', async (t) => {
  const dir = checkout(t, a1);
  cpSync(join(root, 'scripts'), join(dir, 'scripts'), { recursive: true });
  writeFileSync(join(dir, 'entry.ts'), 'console.log("running");');
  writeFileSync(
    join(dir, 'npm'),
    `#!/bin/sh
echo "$1" >> "${dir}/runs"
sleep 3
mkdir -p node_modules
echo '${JSON.stringify({ packages: a1 })}' > node_modules/.package-lock.json
`,
    { mode: 0o755 },
  );
  const { npm_execpath: _, ...others } = process.env;
  const env = { ...others, PATH: `${dir}:${process.env.PATH}` };
  const start = () => {
    const child = spawn(process.execPath, [join(dir, 'scripts', 'bootstrap.mjs'), 'entry.ts'], { env, detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    return { child, ended: new Promise((done) => child.once('close', (code) => done([code, output]))) };
  };
  const runs = () => readFileSync(join(dir, 'runs'), 'utf8');

  const first = start();
  await eventually(runs);
  process.kill(-(first.child.pid as number), 'SIGINT');
  const [code, output] = (await first.ended) as [number, string];
  assert.equal(code, 130);
  assert.match(output, /npm ci goes on in the background, and the next start joins it \(log: .*kill -- -\d+\)/);
  const [secondCode, secondOutput] = (await start().ended) as [number, string];
  assert.equal(secondCode, 0);
  assert.match(secondOutput, /running$/m);
  assert.equal(runs(), 'ci\n');
});
