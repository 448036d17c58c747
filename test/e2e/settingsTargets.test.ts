import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import { runClient } from '../cli/harness.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

describe('targets from the settings of two workers', { timeout: 120_000 }, () => {
  let system: System;
  let mailbox: Mailbox;
  let users: [a: string, b: string, c: string, d: string];
  const announced: string[] = [];
  const workers: SystemWorker[] = [];
  const start = async (...ids: string[]) => {
    const worker = await system.startWorker({ env: { ...system.env, TARGET_USER_IDS: ids.join(',') } });
    workers.push(worker);
    return worker;
  };
  const goLive = (userId: string) => system.sandbox.world.goLive({ userId }).id;

  before(async () => {
    system = await startSystem({ intervalSeconds: 1 });
    system.sandbox.world.populate({ users: 4 });
    users = system.sandbox.world.userIds(4) as typeof users;
  });
  after(async () => {
    await mailbox?.stop();
    await system?.stop();
  });

  it('are all watched, and worker and status tell that the lists differ', async () => {
    const [a, b, c] = users;
    for (const user of [a, b, c]) announced.push(goLive(user));
    const first = await start(a, b);
    await start(b, c);
    mailbox = new Mailbox(system.services.rabbitmqUrl);
    await system.schedule();
    await mailbox.holds(announced);
    const { json } = await runClient(['status', '--json'], system.env);
    assert.deepEqual(json.targets, { user: 3, game: 0 });
    const words = json.problems.map(({ problem }: { problem: string }) => problem).join('\n');
    assert.match(words, /^2 workers name different targets in their settings: not all name user \d+, \d+$/);
    for (const user of [a, c]) assert.ok(words.includes(user));
    await eventually(() => {
      const lines = readFileSync(first.log, 'utf8').trim().split('\n');
      const warnings = lines.map((line) => JSON.parse(line)).filter(({ msg }) => /differ between workers/.test(msg));
      assert.deepEqual(
        warnings.map((warning) => warning.users.toSorted()),
        [[a, c].sort()],
      );
    });
  });

  it('that the client removed stay removed through kill -9, restarts and an edit', async () => {
    const [a, b, c, d] = users;
    assert.equal((await runClient(['targets', 'remove', 'user', b], system.env)).code, 0);
    for (const worker of workers) await worker.kill();
    for (const user of users) system.sandbox.world.end(user);
    goLive(b);
    await start(a, b, d);
    await start(b, c);
    for (const user of [a, c, d]) announced.push(goLive(user));
    await mailbox.holds(announced);
    const { stdout } = await runClient(['targets', 'list', 'user', '--all'], system.env);
    assert.deepEqual(stdout.trim().split('\n').sort(), [a, c, d].map((id) => `user:${id}`).sort());
  });
});
