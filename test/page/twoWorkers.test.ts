import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import { eventually } from '../support/services.ts';
import { launchBrowser } from './browser.ts';

const TOKEN = 'sixteen-letters-token';
const READS = [
  '/api/v1/targets',
  '/api/v1/targets?state=live',
  '/api/v1/targets/export',
  '/api/v1/streams',
  '/api/v1/announcements',
  '/api/v1/polls',
  '/openapi.json',
];

describe('workers of one installation', { timeout: 240_000 }, () => {
  let system: System;
  let browser: Browser;
  let page: Page;
  let polling: SystemWorker;
  /** Serves, and never reaches Temporal: whatever it shows was found and announced by others. */
  let serving: SystemWorker;
  let second: SystemWorker;
  const urlOf = ({ healthUrl }: SystemWorker) => healthUrl.replace('/readyz', '');
  const feed = async () => (await page.locator('#feed tr').allTextContents()).join('\n');

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ intervalSeconds: 1, env: { ADMIN_TOKEN: TOKEN } }),
      launchBrowser(),
    ]);
    [serving, polling] = await Promise.all([
      system.startWorker({ env: { TEMPORAL_ADDRESS: '127.0.0.1:1' }, wait: false }),
      system.startWorker(),
    ]);
    await system.schedule();
    page = await browser.newPage();
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  async function isShown(userId: string, title: string): Promise<void> {
    system.sandbox.world.goLive({ userId, title });
    await eventually(async () => assert.match(await feed(), new RegExp(`channel_${userId}${title}.*announced`)), {
      // What a worker had in hand when it was killed is given to another after a while.
      timeoutMs: 60_000,
      message: title,
    });
  }

  it('share what one of them is told, and what another announces, without a reload', async () => {
    await page.goto(urlOf(serving));
    const answer = await fetch(`${urlOf(serving)}/api/v1/targets/add`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ users: { ids: ['701', '702'] }, labels: ['both'] }),
    });
    assert.equal(answer.status, 200);
    await isShown('701', 'found by the other');
  });

  it('go on when one is killed: the page misses nothing of what its successor announces', async () => {
    second = await system.startWorker();
    await polling.kill();
    await isShown('702', 'after it was killed');
    assert.match(await feed(), /found by the other/);
  });

  it('tell the same', async () => {
    await system.client.schedule.getHandle('stream-poller').pause('to compare');
    const read = (worker: SystemWorker) =>
      Promise.all(READS.map(async (path) => (await fetch(urlOf(worker) + path)).text()));
    await eventually(async () => assert.deepEqual(await read(serving), await read(second)));
    await page.goto(urlOf(second));
    assert.match(await feed(), /after it was killed.*found by the other/s);
  });
});
