import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import { applySchedule } from '../../src/temporal/schedule/actions.ts';
import { readScheduleState } from '../../src/temporal/schedule/state.ts';
import { runClient } from '../cli/harness.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

const INTERVAL_SECONDS = 1;
const FIRST = 'stream-poller';
const SECOND = 'second';

describe('two installations on one namespace, one store and one broker', { timeout: 180_000 }, () => {
  let system: System;
  const mailboxes: Record<string, Mailbox> = {};
  const workers: Record<string, SystemWorker> = {};
  const expected: Record<string, string[]> = { [FIRST]: [], [SECOND]: [] };
  let users: string[];
  const settingsOf = (instance: string): NodeJS.ProcessEnv =>
    instance === FIRST ? {} : { INSTANCE: instance, RABBITMQ_PREFIX: `${instance}.` };
  const client = (instance: string, ...args: string[]) =>
    runClient(args, { ...system.env, ...settingsOf(instance), TARGET_USER_IDS: '' });
  const goLive = (userId: string, ...seenBy: string[]) => {
    const { id } = system.sandbox.world.goLive({ userId });
    for (const instance of seenBy) expected[instance]?.push(id);
  };
  const allArrived = (timeoutMs?: number) =>
    Promise.all([FIRST, SECOND].map((instance) => mailboxes[instance]?.holds(expected[instance] ?? [], timeoutMs)));
  const completed = async (instance: string) => {
    const { runs } = await readScheduleState(system.client, instance);
    return runs.filter(({ status }) => status === 'COMPLETED').map(({ workflowId }) => workflowId);
  };
  /** Waits for that many polls of an installation that begin after the call. */
  const polls = async (instance: string, count: number) => {
    const { runs } = await readScheduleState(system.client, instance);
    const known = new Set(runs.map(({ workflowId }) => workflowId));
    const seen = new Set<string>();
    await eventually(
      async () => {
        for (const id of await completed(instance)) if (!known.has(id)) seen.add(id);
        assert.ok(seen.size >= count);
      },
      { timeoutMs: 60_000, intervalMs: 200, message: `${count} more polls of ${instance}` },
    );
  };

  before(async () => {
    system = await startSystem({ intervalSeconds: INTERVAL_SECONDS });
    const { world } = system.sandbox;
    world.populate({ users: 20 });
    users = world.userIds(20);
    system.env.TARGET_USER_IDS = users.join(',');
    for (const instance of [FIRST, SECOND]) {
      workers[instance] = await system.startWorker({ env: { ...system.env, ...settingsOf(instance) } });
      const queue = instance === FIRST ? 'stream.online' : `${instance}.stream.online`;
      mailboxes[instance] = new Mailbox(system.services.rabbitmqUrl, [queue]);
      await applySchedule(system.client, { instance, intervalSeconds: INTERVAL_SECONDS });
    }
  });
  after(async () => {
    for (const mailbox of Object.values(mailboxes)) await mailbox.stop();
    await system?.stop();
  });

  it('each announce the streams of the same targets once, in their own queue', async () => {
    for (const userId of users.slice(0, 10)) goLive(userId, FIRST, SECOND);
    await allArrived();
    await Promise.all([polls(FIRST, 2), polls(SECOND, 2)]);
    await allArrived();
    assert.match((await completed(FIRST))[0] as string, /^poll-streams-/);
    assert.match((await completed(SECOND))[0] as string, /^second-poll-streams-/);
  });

  it('have targets of their own', async () => {
    const { stdout } = await client(SECOND, 'targets', 'remove', 'user', users[12] as string, users[0] as string);
    assert.match(stdout, /^Removed 2 users/);
    goLive(users[12] as string, FIRST);
    goLive(users[13] as string, FIRST, SECOND);
    await allArrived();
    await Promise.all([polls(FIRST, 2), polls(SECOND, 2)]);
    await allArrived();
  });

  it('tell of themselves alone', async () => {
    const { json } = await client(SECOND, 'status', '--json');
    assert.deepEqual([json.healthy, json.problems], [true, []]);
    assert.deepEqual([json.schedule.id, json.targets, json.live], [SECOND, { user: 18, game: 0 }, 10]);
    assert.deepEqual(Object.keys(json.queues), ['second.stream.online', 'second.stream.online.dead']);
    assert.deepEqual(json.workers, [
      { taskQueue: 'second', workers: 1 },
      { taskQueue: 'second-twitch-helix', workers: 1 },
    ]);
    assert.match((await client(SECOND, 'status')).stdout, /^instance {3}second$/m);
    const first = await client(FIRST, 'status');
    assert.match(first.stdout, /^workers {4}1 on stream-poller, 1 on twitch-helix$/m);
    assert.doesNotMatch(first.stdout, /instance|second/);
  });

  it('bring what waits for the broker to their own queue', async () => {
    await system.services.rabbitmq.stop();
    goLive(users[14] as string, FIRST, SECOND);
    await Promise.all([polls(FIRST, 3), polls(SECOND, 3)]);
    await system.services.rabbitmq.start();
    await allArrived(30_000);
  });

  it('pause and end by themselves', async () => {
    await client(SECOND, 'schedule', 'pause');
    await eventually(async () => {
      const { runs } = await readScheduleState(system.client, SECOND);
      assert.ok(runs.every(({ status }) => status !== 'RUNNING'));
    });
    goLive(users[15] as string, FIRST);
    await allArrived();
    await workers[FIRST]?.stop();
    await client(SECOND, 'schedule', 'resume');
    expected[SECOND]?.push(expected[FIRST]?.at(-1) as string);
    goLive(users[16] as string, SECOND);
    await allArrived();
    await client(SECOND, 'schedule', 'delete');
    assert.equal((await readScheduleState(system.client, FIRST)).paused, false);
  });
});
