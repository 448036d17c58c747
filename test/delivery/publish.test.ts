import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Dependencies } from '../../src/activities/dependencies.ts';
import { publishActivities } from '../../src/activities/publishStreams.ts';
import { event, fakeAndPublisher } from '../publisher/support.ts';
import { openStore } from '../storage/support.ts';
import { storeUser } from './support.ts';

const poll = { id: 'poll', startedMs: 0 };
const { url, mayWrite, admin } = await storeUser();
const store = await openStore(url);
after(() => {
  store.connection.disconnect();
  admin.disconnect();
});

/** One attempt of an activity, as Temporal would carry it out. */
function attempt(info: Partial<MockActivityEnvironment['context']['info']> = {}) {
  const nowMs = Date.now();
  return new MockActivityEnvironment({
    scheduledTimestampMs: nowMs,
    currentAttemptScheduledTimestampMs: nowMs,
    ...info,
  });
}

/** The activities, on the store and a broker of their own. */
async function activitiesOf(t: TestContext) {
  const { broker, publisher } = await fakeAndPublisher(t);
  return { broker, publisher, ...publishActivities({ ...store, publisher } as unknown as Dependencies) };
}

async function failureOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const failure: unknown = await running.catch((error) => error);
  assert.ok(failure instanceof ApplicationFailure);
  return failure;
}

test('giving up tells which messages the broker has confirmed, and they are marked, not sent, by a delivery', async (t) => {
  const { broker, publishStreams, deliverEvents } = await activitiesOf(t);
  broker.onMessage = ({ messageId, deliveryTag }, peer, channel) => {
    if (messageId === 'given-1') return false;
    peer.nack(channel, deliveryTag);
    return true;
  };
  const events = [event('given-1'), event('given-2')];
  const input = { poll, owner: 'o', events, giveUpAfterSeconds: 0 };
  const failure = await failureOf(attempt().run(publishStreams, input));
  assert.deepEqual([failure.type, failure.nonRetryable, failure.details], ['BrokerUnavailable', true, [['given-1']]]);

  await store.connection.del(store.keys.mark('given-1'));
  broker.onMessage = () => false;
  const claims = [{ owner: 'o', events, confirmed: ['given-1'] }];
  assert.deepEqual(await attempt().run(deliverEvents, { poll, claims }), { announced: 1, left: 0 });
  assert.deepEqual(
    broker.published.map(({ messageId }) => messageId),
    ['given-1', 'given-2', 'given-2'],
  );
  const marks = await store.connection.mget(events.map(({ id }) => store.keys.mark(id)));
  assert.deepEqual(marks, ['announced', 'announced']);
});

test('giving up goes by Temporal’s clock, whatever the worker’s says', async (t) => {
  const { broker, publishStreams } = await activitiesOf(t);
  broker.onMessage = ({ deliveryTag }, peer, channel) => {
    peer.nack(channel, deliveryTag);
    return true;
  };
  const input = { poll, owner: 'o', events: [event('clocks')], giveUpAfterSeconds: 30 };
  for (const offMs of [-3_600_000, 3_600_000]) {
    for (const [agedMs, givesUp] of [
      [0, false],
      [29_900, true],
    ] as const) {
      const scheduledTimestampMs = Date.now() + offMs;
      const info = { scheduledTimestampMs, currentAttemptScheduledTimestampMs: scheduledTimestampMs + agedMs };
      const failure = await failureOf(attempt(info).run(publishStreams, input));
      assert.deepEqual([failure.type, failure.nonRetryable], ['BrokerUnavailable', givesUp]);
    }
  }
});

test('a store that fails is no reason to give up, however often and for how long', async (t) => {
  const { publishStreams } = await activitiesOf(t);
  await mayWrite(false);
  t.after(() => mayWrite(true));
  const input = { poll, owner: 'o', events: [event('endless')], giveUpAfterSeconds: 1 };
  const failure = await failureOf(
    attempt({ attempt: 1_000, scheduledTimestampMs: Date.now() - 3_600_000 }).run(publishStreams, input),
  );
  assert.deepEqual([failure.type, failure.nonRetryable], ['StoreUnavailable', false]);
  assert.match(failure.message, /user_script/, 'an error of the script’s own');
});

test('what was confirmed and could not be marked is not sent again by another owner, when its claim has run out', async (t) => {
  const { broker, publishStreams } = await activitiesOf(t);
  broker.onMessage = ({ deliveryTag }, peer, channel) => {
    void mayWrite(false).then(() => peer.ack(channel, deliveryTag));
    return true;
  };
  const input = { poll, events: [event('lapsed')] };
  await assert.rejects(attempt().run(publishStreams, { ...input, owner: 'first' }), /store/);
  await store.connection.del(store.keys.mark('lapsed'));
  await mayWrite(true);
  await attempt().run(publishStreams, { ...input, owner: 'second' });
  assert.equal(broker.published.length, 1);
  assert.equal(await store.connection.get(store.keys.mark('lapsed')), 'announced');
});

test('claims that a delivery waits with last for minutes, and an attempt while the broker is away takes no time', async (t) => {
  const { broker, deliverEvents } = await activitiesOf(t);
  await broker.close();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const claims = ['a', 'b'].map((id) => ({ owner: `o${id}`, events: [event(id)] }));
  const started = performance.now();
  const failure = await failureOf(
    attempt({ scheduledTimestampMs: Date.now() - 600_000 }).run(deliverEvents, { poll, claims }),
  );
  assert.ok(performance.now() - started < 1_000);
  assert.equal(failure.nonRetryable, false);
  const retryMs = Number(failure.nextRetryDelay);
  assert.ok(retryMs >= 15_000 && retryMs <= 30_000, `${retryMs} ms`);
  for (const { owner, events } of claims) {
    const mark = store.keys.mark(String(events[0]?.id));
    assert.equal(await store.connection.get(mark), `claim:${owner}`);
    assert.ok((await store.connection.pttl(mark)) > 290_000);
  }
});

test('a worker that was frozen between its claim and its send asks again, and leaves what another has announced meanwhile', async (t) => {
  const { broker, publisher, ...thawed } = await activitiesOf(t);
  let frozenMs = 0;
  const now = Date.now;
  t.mock.method(Date, 'now', () => now() + frozenMs);
  // A machine that sleeps: its monotonic clock, and with it every timer, stands still; its connections may survive.
  const streams = Object.create(store.streams, {
    renewClaims: {
      async value(...args: Parameters<typeof store.streams.renewClaims>) {
        const held = await store.streams.renewClaims(...args);
        frozenMs += 70_000;
        await store.connection.set(store.keys.mark('frozen'), 'announced');
        return held;
      },
    },
  });
  const input = { poll, owner: 'o', events: [event('frozen')] };
  const frozen = publishActivities({ ...store, streams, publisher } as unknown as Dependencies);
  const failure = await failureOf(attempt().run(frozen.publishStreams, input));
  assert.deepEqual([failure.type, failure.nonRetryable], ['ClaimsTooOld', false]);
  assert.deepEqual(await attempt().run(thawed.publishStreams, input), { announced: 0, left: 1 });
  assert.deepEqual(broker.published, []);
});
