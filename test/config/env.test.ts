import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { readSettings, SettingsError, settingsSchema } from '../../src/config/env.ts';

const NEEDED = {
  TWITCH_CLIENT_ID: 'abc123',
  TWITCH_CLIENT_SECRET: 'hushhushhush',
  DRAGONFLY_URL: 'redis://user:storepass@store:6379/1',
  RABBITMQ_URL: 'amqp://user:brokerpass@broker/vhost',
};

describe('the settings', () => {
  it('have defaults for all but the four that only the operator knows', () => {
    const settings = readSettings(NEEDED);
    assert.equal(settings.POLL_INTERVAL_SECONDS, 30);
    assert.equal(settings.TWITCH_VALIDATE_TTL_SECONDS, 30);
    assert.equal(settings.OFFLINE_AFTER_MISSES, 2);
    assert.equal(settings.TWITCH_API_URL, 'https://api.twitch.tv/helix');
    assert.deepEqual(settings.TARGET_USER_IDS, []);
  });

  it('validate the token as often as they poll, unless told otherwise', () => {
    const validateTtl = (env: NodeJS.ProcessEnv) => readSettings({ ...NEEDED, ...env }).TWITCH_VALIDATE_TTL_SECONDS;
    assert.equal(validateTtl({ POLL_INTERVAL_SECONDS: '7' }), 7);
    assert.equal(validateTtl({ TWITCH_VALIDATE_TTL_SECONDS: '0' }), 0);
  });

  it('read lists with blanks and repeats, and URLs with or without a slash at their end', () => {
    const settings = readSettings({
      ...NEEDED,
      TARGET_USER_IDS: ' 1, 2,,2 ,3',
      TWITCH_API_URL: 'http://localhost:1/helix/',
    });
    assert.deepEqual(settings.TARGET_USER_IDS, ['1', '2', '3']);
    assert.equal(settings.TWITCH_API_URL, 'http://localhost:1/helix');
  });

  it('take no name for an installation that could be a queue of another one', () => {
    const instance = (INSTANCE: string) => readSettings({ ...NEEDED, INSTANCE }).INSTANCE;
    for (const name of ['stream-poller', 'Staging_2', 'deliverer', '9']) assert.equal(instance(name), name);
    const refused = ['twitch-helix', 'a-twitch-helix', 'deliver', 'stream-poller-deliver', '-a', '{a}', 'a b', 'ä'];
    for (const name of [...refused, 'a'.repeat(41)]) assert.throws(() => instance(name), /INSTANCE: expected/, name);
    for (const RABBITMQ_PREFIX of ['amq.', 'a b.', 'a'.repeat(101)]) {
      assert.throws(() => readSettings({ ...NEEDED, RABBITMQ_PREFIX }), /RABBITMQ_PREFIX: expected/);
    }
  });

  it('report every problem at once, each with its name and what is expected', () => {
    const env = {
      POLL_INTERVAL_SECONDS: 'soon',
      TWITCH_CLIENT_ID: 'with space',
      DRAGONFLY_URL: 'http://store',
      HTTP_PORT: '70000',
      FIRST_SIGHT: 'maybe',
      TARGET_USER_IDS: '1;2',
      ADMIN_TOKEN: 'short',
    };
    assert.throws(
      () => readSettings(env),
      (error) => {
        assert.ok(error instanceof SettingsError);
        const named = error.problems.map((problem) => problem.split(':')[0]).sort();
        assert.deepEqual(named, [...Object.keys(env), 'RABBITMQ_URL', 'TWITCH_CLIENT_SECRET'].sort());
        assert.ok(error.problems.every((problem) => problem.includes('expected')));
        return true;
      },
    );
  });

  it('let a caller do without the settings that it does not use', () => {
    const { DRAGONFLY_URL } = NEEDED;
    const settings = readSettings({ DRAGONFLY_URL }, ['TWITCH_CLIENT_ID', 'TWITCH_CLIENT_SECRET', 'RABBITMQ_URL']);
    assert.equal(settings.RABBITMQ_URL, undefined);
    assert.throws(() => readSettings({}, ['TWITCH_CLIENT_ID']), /DRAGONFLY_URL: is not set/);
  });

  it('show no secret in any way of printing them', () => {
    const settings = readSettings({ ...NEEDED, ADMIN_TOKEN: 'sixteen-letters-token' });
    const printed = [JSON.stringify(settings), inspect(settings, { depth: 9 }), `${settings.DRAGONFLY_URL}`].join();
    for (const secret of ['hushhushhush', 'storepass', 'brokerpass', 'sixteen-letters-token']) {
      assert.ok(!printed.includes(secret));
    }
    assert.match(String(settings.RABBITMQ_URL), /^amqp:\/\/broker\/vhost$/);
    assert.equal(settings.TWITCH_CLIENT_SECRET.reveal(), 'hushhushhush');
  });

  it('never fail in another way than with a SettingsError, and never quote a secret in it', () => {
    const names = Object.keys(settingsSchema.shape);
    const env = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.webUrl(), fc.integer().map(String)));
    fc.assert(
      fc.property(env, fc.string({ minLength: 12, unit: 'grapheme-ascii' }), (given, secret) => {
        try {
          readSettings({ ...given, TWITCH_CLIENT_SECRET: `${secret} with spaces` });
        } catch (error) {
          assert.ok(error instanceof SettingsError);
          assert.ok(!error.message.includes(`${secret} with`));
        }
      }),
    );
  });
});
