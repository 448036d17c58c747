import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventLine } from '../../sandbox/start/eventLine.ts';
import { describeTargets, planStart } from '../../sandbox/start/plan.ts';
import type { WatchedEvent } from '../../src/cli/watch/watch.ts';

test('without settings everything is local, and polled often enough to watch', () => {
  const plan = planStart({});
  assert.equal(plan.twitch, 'sandbox');
  assert.deepEqual(plan.given, {});
  assert.deepEqual(plan.notes, []);
  assert.equal(plan.pollIntervalSeconds, '5');
  assert.equal(plan.httpPort, undefined);
});

test('what is set is used, and an empty variable is not set', () => {
  const plan = planStart({
    DRAGONFLY_URL: 'redis://there',
    RABBITMQ_URL: ' ',
    POLL_INTERVAL_SECONDS: '30',
    HTTP_PORT: '1',
  });
  assert.deepEqual(plan.given, { DRAGONFLY_URL: 'redis://there' });
  assert.equal(plan.pollIntervalSeconds, '30');
  assert.equal(plan.httpPort, '1');
});

test('Twitch itself needs both credentials; one alone is told', () => {
  const both = { TWITCH_CLIENT_ID: 'id', TWITCH_CLIENT_SECRET: 'secret', TARGET_USER_IDS: '1' };
  assert.equal(planStart(both).twitch, 'twitch');
  assert.deepEqual(planStart(both).notes, []);
  const one = planStart({ TWITCH_CLIENT_ID: 'id' });
  assert.equal(one.twitch, 'sandbox');
  assert.match(one.notes.join(), /TWITCH_CLIENT_SECRET is not/);
});

test('Twitch without targets is told', () => {
  const plan = planStart({ TWITCH_CLIENT_ID: 'id', TWITCH_CLIENT_SECRET: 'secret' });
  assert.match(plan.notes.join(), /TARGET_USER_IDS/);
});

test('health is asked for at an address that can be connected to', () => {
  assert.equal(planStart({ HTTP_HOST: '0.0.0.0' }).httpHost, '127.0.0.1');
  assert.equal(planStart({ HTTP_HOST: '::1' }).httpHost, '[::1]');
  assert.equal(planStart({ HTTP_HOST: '10.0.0.7' }).httpHost, '10.0.0.7');
});

test('targets are counted in words', () => {
  assert.equal(describeTargets({ TARGET_USER_IDS: '1,2', TARGET_GAME_IDS: '3' }), '2 users and 1 game');
});

const event: WatchedEvent = {
  user_id: '1',
  user_login: 'pixelpanda',
  game_id: '743',
  title: 'good\u001b[2J\nmoves',
  started_at: '2026-01-01T12:03:01Z',
  message_id: '9',
  reason: 'started',
  detected_at: '2026-01-01T12:03:04Z',
  poll_id: 'p',
  received_at: '2026-01-01T12:03:04.100Z',
};

test('an event is one line, without what a title could do to a terminal', () => {
  const line = eventLine(event, () => 'Chess');
  assert.match(line, /● pixelpanda +Chess +"good \[2J moves" +started {2}\(3\.1 s after start\)$/);
  assert.doesNotMatch(line, /\p{Cc}/u);
});

test('an event without a login, a game or a known name is still readable', () => {
  const bare = { ...event, user_login: '', game_id: '', title: '', started_at: '' };
  assert.match(
    eventLine(bare, () => undefined),
    /● user 1 +no game +"" +started$/,
  );
  assert.match(
    eventLine(event, () => undefined),
    /game 743/,
  );
});
