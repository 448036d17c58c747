import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startTwitchSandbox } from '../../sandbox/twitch/index.ts';
import { DEFAULT_PREFIX } from '../../src/storage/keys.ts';
import type { Targets } from '../../src/storage/targets.ts';
import { openStore } from '../storage/support.ts';
import { temporaryFolder } from '../support/program.ts';
import { serve } from '../support/serve.ts';
import { eventually } from '../support/services.ts';
import { emptyRedis, runClient, startClient } from './harness.ts';

const folder = temporaryFolder();

/** The targets as the client sees them. */
async function targetsAt(url: string): Promise<Targets> {
  const { connection, targets } = await openStore(url, DEFAULT_PREFIX);
  after(() => connection.disconnect());
  return targets;
}

/** An empty store, and `client -- targets …` on it. */
async function emptyStore() {
  const { url: DRAGONFLY_URL, store } = await emptyRedis(7);
  return { DRAGONFLY_URL, store, client: (...args: string[]) => runClient(['targets', ...args], { DRAGONFLY_URL }) };
}

async function twitch() {
  const sandbox = await startTwitchSandbox();
  after(() => sandbox.close());
  sandbox.world.populate({ users: 200, games: 0 });
  return {
    TWITCH_API_URL: sandbox.apiUrl,
    TWITCH_AUTH_URL: sandbox.authUrl,
    TWITCH_CLIENT_ID: sandbox.clientId,
    TWITCH_CLIENT_SECRET: sandbox.clientSecret,
  };
}

test('ids are added, listed and removed without Twitch settings', async () => {
  const { client, DRAGONFLY_URL, store } = await emptyStore();
  assert.equal((await client('add', 'user', '123', '456', '123')).stdout, 'Added 2 users: 123, 456.\n');
  const again = await client('add', 'user', '456', '789', '--json');
  assert.deepEqual(again.json, { kind: 'user', added: ['789'], alreadyThere: ['456'], unknown: [] });
  await client('add', 'game', '509658');

  const [all, page, json] = await Promise.all([
    client('list'),
    client('list', 'user', '--limit', '1', '--after', '123'),
    client('list', '--json'),
  ]);
  assert.equal(all.stdout, 'user:123\nuser:456\nuser:789\ngame:509658\n');
  assert.equal(all.stderr, '3 users and 1 game in all\n');
  assert.equal(page.stdout, 'user:456\n');
  assert.deepEqual(json.json.counts, { user: 3, game: 1 });

  const removed = await client('remove', 'user', '123', '9');
  assert.deepEqual([removed.code, removed.stdout], [0, 'Removed 1 user: 123.\nWas not there: 9.\n']);
  await store.hset('{stream-poller}:targets:user:named', '456', 'both');
  const named = await client('remove', 'user', '456', '789');
  assert.equal(named.stderr, 'note: TARGET_USER_IDS of the workers names 456; removed all the same\n');
  await client('add', 'user', '456', '789');
  const imported = await runClient(['targets', 'import', '-', '--json'], { DRAGONFLY_URL }, all.stdout);
  assert.deepEqual(imported.json.added, { user: 1, game: 0 }, 'what "list" prints, "import" reads');
});

test('a word is no id: "add" refuses it with a hint, and "remove" takes it out', async () => {
  const { client, DRAGONFLY_URL } = await emptyStore();
  const user = await client('add', 'user', '123', 'pixelpanda');
  assert.deepEqual([user.code, user.stdout], [2, '']);
  assert.match(user.stderr, /not ids of Twitch: pixelpanda .*: targets add user --login pixelpanda\n/);
  assert.match((await client('add', 'game', 'Chess')).stderr, /targets add game --name "Chess"\n/);
  const targets = await targetsAt(DRAGONFLY_URL);
  assert.deepEqual(await targets.list('user', undefined, 10), [], 'nothing is added by halves');
  await targets.add('user', ['pixelpanda'], 0);
  assert.equal((await client('remove', 'user', 'pixelpanda')).stdout, 'Removed 1 user: pixelpanda.\n');
});

test('what Twitch refuses is listed with the reason and the time', async () => {
  const { client, DRAGONFLY_URL } = await emptyStore();
  const targets = await targetsAt(DRAGONFLY_URL);
  await targets.add('user', ['1', 'abc'], 0);
  await targets.refused.note(
    'user',
    [{ id: 'abc', reason: 'answered 400:\u001b[2J malformed' }],
    [],
    Date.now() - 60_000,
  );
  const words = await client('list', '--refused');
  assert.match(
    words.stdout,
    /^user:abc {2}# refused 1 min( \d s)? ago, tried again at .*: answered 400: \[2J malformed\n$/,
  );
  assert.match(words.stderr, /^1 target refused by Twitch/);
  const [first] = (await client('list', 'user', '--refused', '--json')).json.refused;
  assert.deepEqual([first.kind, first.id, first.tries], ['user', 'abc', 1]);
  assert.deepEqual((await client('list', 'game', '--refused', '--json')).json, { refused: [] });
  await client('remove', 'user', 'abc');
  assert.deepEqual((await client('list', '--refused', '--json')).json, { refused: [] });
});

test('users that are gone are listed, and stay targets', async () => {
  const { client, DRAGONFLY_URL } = await emptyStore();
  const targets = await targetsAt(DRAGONFLY_URL);
  await targets.add('user', ['1', '2'], 0);
  for (const days of [3, 2]) await targets.gone.note(['1', '2'], new Set(['1']), Date.now() - days * 86_400_000);
  const words = await client('list', '--gone');
  assert.match(words.stdout, /^user:2 {2}# gone since 3 d( \S+)* ago\n$/);
  const { gone } = (await client('list', '--gone', '--json')).json;
  assert.deepEqual([gone.length, gone[0].id, gone[0].checks], [1, '2', 2]);
  assert.deepEqual(await targets.list('user', undefined, 10), ['1', '2']);
  assert.equal((await client('list', '--gone', '--refused')).code, 2);
});

test('names are looked up; what is found is added although others are not', async () => {
  const { url: DRAGONFLY_URL } = await emptyRedis(7);
  const env = { DRAGONFLY_URL, ...(await twitch()) };
  const some = await runClient(['targets', 'add', 'user', '55', '--login', 'User_1', 'nobody_here'], env);
  assert.equal(some.code, 1);
  assert.equal(some.stdout, 'Added 2 users: 55, 100000001 (User_1).\n');
  assert.equal(some.stderr, 'Twitch knows no user with the login "nobody_here".\n');
  const game = await runClient(['targets', 'add', 'game', '--name', 'Just Chatting'], env);
  assert.equal(game.stdout, 'Added 1 game: 509658 (Just Chatting).\n');

  const refused = await runClient(['targets', 'add', 'user', '56', '--login', 'user_2'], {
    ...env,
    TWITCH_CLIENT_SECRET: 'verysecretandwrong',
  });
  assert.equal(refused.code, 1);
  assert.equal(refused.stdout, 'Added 1 user: 56.\n');
  assert.match(refused.stderr, /set TWITCH_CLIENT_SECRET to the current secret[\s\S]*Not looked up: "user_2"\.\n$/);
  assert.doesNotMatch(refused.stderr, /verysecret/);
  const unset = await runClient(['targets', 'add', 'user', '--login', 'user_2'], { DRAGONFLY_URL });
  assert.match(unset.stderr, /TWITCH_CLIENT_ID: is not set/);
});

test('50,000 lines are imported past the bad ones, in the order of their trouble, and again without harm', async () => {
  const { url: DRAGONFLY_URL, store } = await emptyRedis(7);
  const lines = Array.from({ length: 50_000 }, (_, i) => {
    if (i % 1_000 === 7) return `not an id ${i}`;
    if (i % 1_000 === 8) return '# a comment';
    if (i % 1_000 === 9) return `game:${i}`;
    return i % 2 ? `${200_000_000 + i}` : `user:${200_000_000 + i},login_${i}`;
  });
  const file = join(folder, 'many.csv');
  writeFileSync(file, `\uFEFFuser_id,login\r\n${lines.join('\r\n')}\r\n${lines[0]}`);

  const dry = await runClient(['targets', 'import', file, '--dry-run'], {});
  assert.match(dry.stdout, /^50,002 lines: 49,851 users and 50 games, 50 bad lines\. Nothing was stored/);
  const first = await runClient(['targets', 'import', file], { DRAGONFLY_URL });
  assert.equal(first.code, 1);
  assert.equal(
    first.stdout,
    '50,002 lines: 49,850 users and 50 games added, 1 already there or repeated, 50 bad lines.\n',
  );
  const complaints = first.stderr.trim().split('\n');
  assert.equal(complaints.length, 21);
  assert.match(complaints[0] ?? '', /^line 9: "not an id 7": expected a user id \(digits\)/);
  assert.equal(complaints[20], '… and 30 more bad lines');
  assert.equal(await store.zcard('{stream-poller}:targets:user'), 49_850);

  const again = await runClient(['targets', 'import', file, '--skip-bad', '--json'], { DRAGONFLY_URL });
  assert.equal(again.code, 0);
  assert.deepEqual([again.json.added, again.json.badCount], [{ user: 0, game: 0 }, 50]);
});

test('an import looks names up in groups and says which line has one that Twitch does not know', async () => {
  const { url: DRAGONFLY_URL } = await emptyRedis(7);
  const env = { DRAGONFLY_URL, ...(await twitch()) };
  const names = Array.from({ length: 150 }, (_, i) => `login:user_${i}`);
  const input = ['login:nobody_here', ...names, 'game-name:Just Chatting', 'game-name:No Such Game, Ever'].join('\n');
  const { code, json } = await runClient(['targets', 'import', '-', '--json'], env, input);
  assert.equal(code, 1);
  assert.deepEqual(json.added, { user: 150, game: 1 });
  assert.deepEqual(
    json.bad.map(({ line, text }: { line: number; text: string }) => [line, text]),
    [
      [1, 'nobody_here'],
      [153, 'No Such Game, Ever'],
    ],
  );
  const unset = await runClient(['targets', 'import', '-'], { DRAGONFLY_URL }, 'user:1\nlogin:user_1\n');
  assert.equal(unset.code, 1);
  assert.match(
    unset.stderr,
    /1 user and 0 games added until then\. It is safe to run the import again\.[\s\S]*TWITCH_CLIENT_ID/,
  );
});

test('an interrupted import keeps what it has read and says that it may be run again', async () => {
  const { url: DRAGONFLY_URL, store } = await emptyRedis(7);
  const program = startClient(['targets', 'import', '-', '--json'], { DRAGONFLY_URL }, null);
  program.child.stdin?.write(`${Array.from({ length: 5_003 }, (_, i) => `${i + 1}`).join('\n')}\n`);
  // The first 5,000 are stored as soon as they are there.
  await eventually(async () => (await store.zcard('{stream-poller}:targets:user')) === 5_000);
  program.child.kill('SIGINT');
  assert.equal(await program.exited, 1);
  const json = JSON.parse(program.stdout);
  assert.match(program.stderr, /Interrupted\. It is safe to run the import again/);
  assert.equal(json.added.user, await store.zcard('{stream-poller}:targets:user'));
  assert.ok(json.added.user >= 5_000);
});

test('a store that is away, silent, locked or not named is said in plain words, and soon', async () => {
  const port = await serve(createServer());
  const list = (DRAGONFLY_URL: string) => runClient(['targets', 'list'], { DRAGONFLY_URL });
  const began = Date.now();
  const { url, store } = await emptyRedis(7);
  await store.acl('SETUSER', 'locked', 'on', '>right', '~*', '+@all');
  const [away, mute, unset, wrong] = await Promise.all([
    list('redis://someone:hidden@127.0.0.1:1'),
    list(`redis://127.0.0.1:${port}`),
    list(''),
    list(url.replace('redis://', 'redis://locked:wrong@')),
  ]);
  await store.acl('DELUSER', 'locked');
  assert.match(away.stderr, /^the store does not answer at redis:\/\/127\.0\.0\.1:1 \(DRAGONFLY_URL\): .*ECONNREFUSED/);
  assert.doesNotMatch(away.stderr, /hidden/);
  assert.match(mute.stderr, /\(DRAGONFLY_URL\): no answer within 5 s/);
  assert.match(unset.stderr, /DRAGONFLY_URL: is not set; expected a URL such as/);
  assert.match(wrong.stderr, /refused the user name or password in DRAGONFLY_URL/);
  for (const each of [away, mute, unset, wrong]) {
    assert.equal(each.code, 1);
    assert.doesNotMatch(each.stderr, /\n {4}at /);
  }
  assert.ok(Date.now() - began < 15_000);
});

test('command lines that make no sense exit with 2 and say what does', async () => {
  const wrong: [string, RegExp][] = [
    ['add user', /name at least one user: an id, or --login NAME/],
    ['add user --name x', /users have a --login/],
    ['add channel 1', /Allowed choices are user, game/],
    ['add user 1:2', /not ids of Twitch: 1:2/],
    ['list --after 1', /--after needs a kind/],
    ['list --limit 0', /Expected a whole number/],
  ];
  for (const [i, { code, stderr }] of (
    await Promise.all(wrong.map(([line]) => runClient(['targets', ...line.split(' ')], {})))
  ).entries()) {
    assert.equal(code, 2, stderr);
    assert.match(stderr, wrong[i]?.[1] ?? /^$/);
  }
  const missing = await runClient(['targets', 'import', '/nowhere/ids.txt'], {});
  assert.deepEqual([missing.code, missing.stderr], [1, 'there is no file /nowhere/ids.txt\n']);
});
