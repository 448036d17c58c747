import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplyError } from 'ioredis';
import { toActivityFailure } from '../../src/activities/failures.ts';
import { inOperatorsWords, isScriptsOwn } from '../../src/storage/storeErrors.ts';
import { TwitchError } from '../../src/twitch/errors.ts';

const inDragonfly = (what: string) =>
  `ERR Error running script (call to f_2d14b1a1ee5cf5f0e2a8a5d3e3a0f6cf4b0f1f3c): @user_script:124: ${what}`;
const reply = (message: string) => new ReplyError(message);

describe('an error of the store', () => {
  for (const message of [
    inDragonfly('-ERR Out of memory'),
    inDragonfly('-OOM command not allowed when used memory > maxmemory'),
    inDragonfly("-READONLY You can't write against a read only replica."),
    inDragonfly('-LOADING Dragonfly is loading the dataset in memory'),
    "OOM command not allowed when used memory > 'maxmemory'. script: 2d14b1a, on @user_script:22.",
    '-READONLY You can’t write against a read only replica. script: 2d14b1a, on @user_script:22.',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'MISCONF Redis is configured to save RDB snapshots, but it’s currently unable to persist to disk.',
    'ERR max number of clients reached',
  ]) {
    it(`passes, however long it lasts: ${message.slice(0, 130)}`, () => {
      assert.equal(isScriptsOwn(reply(message)), false);
      for (const attempt of [1, 5, 10_000]) {
        assert.equal(toActivityFailure(reply(message), attempt).nonRetryable, false);
      }
    });
  }

  for (const message of [
    inDragonfly('attempt to compare nil with number'),
    inDragonfly('-WRONGTYPE Operation against a key holding the wrong kind of value'),
    'WRONGTYPE Operation against a key holding the wrong kind of value script: 2d14b1a, on @user_script:22.',
    'ERR user_script:22: Expected value but found invalid token at character 1 script: 2d14b1a, on @user_script:22.',
  ]) {
    it(`is the script’s own: ${message.slice(0, 130)}`, () => {
      assert.equal(isScriptsOwn(reply(message)), true);
      assert.deepEqual(
        [4, 5].map((attempt) => toActivityFailure(reply(message), attempt).nonRetryable),
        [false, true],
      );
    });
  }

  it('says that the store is full to who runs a command', () => {
    const message = inOperatorsWords('redis://store:6379', reply(inDragonfly('-ERR Out of memory')));
    assert.match(message, /redis:\/\/store:6379 \(DRAGONFLY_URL\) is full: give it more memory/);
    assert.doesNotMatch(message, /does not answer/);
  });

  it('enters the history as text that Temporal takes', () => {
    const { message } = toActivityFailure(new Error(`${'x'.repeat(10_000)}\ud83d`), 1);
    assert.ok(message.isWellFormed() && message.length < 1_000);
    assert.ok(toActivityFailure(new Error('\ud83d'), 1).message.isWellFormed());
  });
});

describe('an answer that is too large', () => {
  it('is not asked for again as it was', () => {
    const { type, nonRetryable } = toActivityFailure(new TwitchError('too_large', 'larger than …'), 1);
    assert.deepEqual([type, nonRetryable], ['TwitchTooLarge', true]);
  });
});
