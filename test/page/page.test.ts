import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type System, startSystem } from '../../sandbox/system.ts';
import { eventually } from '../support/services.ts';
import { accessibilityProblems, launchBrowser } from './browser.ts';

const TOKEN = 'sixteen-letters-token';

describe('the pages', { timeout: 240_000 }, () => {
  let system: System;
  let browser: Browser;
  let url: string;
  let page: Page;
  const complaints: string[] = [];

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ intervalSeconds: 1, env: { ADMIN_TOKEN: TOKEN, TEMPORAL_UI_URL: 'http://localhost:8233/' } }),
      launchBrowser(),
    ]);
    const { world } = system.sandbox;
    world.addUser({ id: '701', login: 'pixelpanda' });
    world.addUser({ id: '702', login: 'mossyotter' });
    const worker = await system.startWorker();
    url = worker.healthUrl.replace('/readyz', '');
    await system.schedule();
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  const text = async () => (await page.textContent('main')) ?? '';
  const feedOf = async () => page.locator('#feed tr').allTextContents();

  it('can be read by everybody, and changed by nobody without the token', async () => {
    await page.goto(url);
    await eventually(async () => {
      await page.reload();
      // Nothing else is the matter once a poll has ended.
      assert.match(
        await text(),
        /attention:there are no targets to watch: npm run client -- targets add [^:]*All checks/,
      );
    });
    await page.getByRole('link', { name: 'Targets' }).click();
    assert.match(await text(), /0 users and 0 games are watched/);
    assert.equal(await page.getByRole('button', { name: 'Look up' }).count(), 0);
    const body = new URLSearchParams({ user: '1' });
    for (const headers of [{}, { origin: url }, { 'sec-fetch-site': 'same-origin' }]) {
      assert.equal((await fetch(`${url}/targets/add`, { method: 'POST', body, headers })).status, 401);
    }
  });

  it('sign in who has the token', async () => {
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.locator('#token').fill('not the token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    assert.match(await text(), /This is not the ADMIN_TOKEN/);
    await page.locator('#token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
    assert.ok(!cookie?.value.includes(TOKEN));
    // A page elsewhere can't use it: its forms come from another site.
    const headers = { cookie: `${cookie?.name}=${cookie?.value}`, 'sec-fetch-site': 'cross-site' };
    const body = new URLSearchParams({ user: '1' });
    assert.equal((await fetch(`${url}/targets/add`, { method: 'POST', body, headers })).status, 403);
  });

  it('add a target by its login, after a look at what was found', async () => {
    await page.getByRole('link', { name: 'Targets' }).click();
    await page.locator('#entries').fill('https://www.twitch.tv/pixelpanda\nnobody_here');
    await page.locator('#labels').fill('customer 7, <b>bold</b>');
    await page.getByRole('button', { name: 'Look up' }).click();
    assert.match(await text(), /Not found at Twitch\s*nobody_here/);
    assert.match(await text(), /pixelpanda\s*701\s*new/);
    await page.getByRole('button', { name: 'Watch them' }).click();
    assert.match(await text(), /1 added\./);
    assert.match(await text(), /user\s*701\s*customer 7, <b>bold<\/b>\s*watched/);
  });

  it('show a stream that goes live without a reload, in the feed and then in the list', async () => {
    await page.getByRole('link', { name: 'Now' }).click();
    system.sandbox.world.goLive({ userId: '701', title: '<img src=x onerror=alert(1)>' });
    await eventually(async () => {
      const [newest] = await feedOf();
      assert.match(newest ?? '', /pixelpanda<img src=x onerror=alert\(1\)>(started|was on already)announced/);
    });
    await eventually(async () => {
      await page.reload();
      assert.match(await text(), /Everything works/);
    });
    assert.match((await page.locator('#live').textContent()) ?? '', /pixelpanda.*<img src=x/);
    assert.equal(await page.locator('main img').count(), 0);
  });

  it('catch up without a gap when the connection was lost', async () => {
    await page.context().setOffline(true);
    const { world } = system.sandbox;
    world.end('701');
    const streams = [world.goLive({ userId: '701', title: 'missed by the page' })];
    await eventually(async () => {
      const { announcements } = (await (await fetch(`${url}/api/v1/announcements`)).json()) as {
        announcements: { streamId: string; state: string }[];
      };
      assert.ok(announcements.some(({ streamId, state }) => streamId === streams[0]?.id && state === 'announced'));
    });
    await page.context().setOffline(false);
    await eventually(async () => assert.match((await feedOf()).join('\n'), /missed by the page/), {
      timeoutMs: 20_000,
    });
    assert.equal((await feedOf()).filter((row) => row.includes('missed by the page')).length, 1);
  });

  it('take a thousand ids at once, list them page by page, and remove what is ticked', async () => {
    await page.getByRole('link', { name: 'Targets' }).click();
    await page.locator('#entries').fill(Array.from({ length: 1_000 }, (_, i) => `${800_000 + i}`).join('\n'));
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByRole('button', { name: 'Watch them' }).click();
    assert.match(await text(), /1000 added\./);
    assert.match(await text(), /1001 users and 0 games/);
    assert.equal(await page.locator('main tbody tr').count(), 100);
    await page.getByLabel('user 701').check();
    await page.getByRole('button', { name: 'Remove what is ticked' }).click();
    assert.match(await text(), /1 removed\./);
    assert.equal(await page.getByLabel('user 701').count(), 0);
    await page.getByRole('link', { name: 'More' }).click();
    assert.equal(await page.locator('main tbody tr').count(), 100);
  });

  it('say what they do not understand, and keep what was typed', async () => {
    await page.getByRole('link', { name: 'Targets' }).click();
    await page.locator('#entries').fill('https://example.org/somebody');
    await page.getByRole('button', { name: 'Look up' }).click();
    assert.match(await text(), /Not understood: https:\/\/example.org\/somebody/);
    assert.equal(await page.locator('#entries').inputValue(), 'https://example.org/somebody');
    await page.locator('#entries').fill(Array.from({ length: 1_001 }, (_, i) => `login_${i}`).join(' '));
    await page.getByRole('button', { name: 'Look up' }).click();
    assert.match(await text(), /Expected at most 10000 ids and 1000 names at once/);
    const [cookie] = await page.context().cookies();
    const session = { cookie: `${cookie?.name}=${cookie?.value}`, 'sec-fetch-site': 'same-origin' };
    const headers = { ...session, 'content-type': 'application/json' };
    const odd = await fetch(`${url}/targets/add`, { method: 'POST', body: '{"user":[{}]}', headers });
    assert.deepEqual([odd.status, (await odd.text()).includes('This form is not one of ours')], [400, true]);
  });

  it('show how polls went, with a way to their steps, and pause them', async () => {
    await page.getByRole('link', { name: 'Polls' }).click();
    const link = await page.getByRole('link', { name: 'steps' }).first().getAttribute('href');
    assert.match(link ?? '', /^http:\/\/localhost:8233\/namespaces\/default\/workflows\/poll-streams-/);
    await page.getByRole('button', { name: 'Pause' }).click();
    assert.match(await text(), /Polls are paused: from the page/);
    await page.getByRole('button', { name: 'Resume' }).click();
    assert.match(await text(), /Polls run by their schedule/);
  });

  it('are accessible, in light and dark, on a phone and on a desk', async () => {
    const { cookies } = await page.context().storageState();
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1_280]) {
        // What axe does is forbidden to the page itself.
        const context = await browser.newContext({ bypassCSP: true, colorScheme, viewport: { width, height: 800 } });
        await context.addCookies(cookies);
        const looked = await context.newPage();
        for (const path of ['/', '/targets', '/polls', '/sign-in']) {
          await looked.goto(url + path);
          assert.deepEqual(await accessibilityProblems(looked), [], `${path}, ${colorScheme}, ${width}`);
          const overflow = await looked.evaluate('document.documentElement.scrollWidth - innerWidth');
          assert.ok(Number(overflow) <= 0, `${path} is wider than ${width}`);
        }
        await context.close();
      }
    }
  });

  it('say what is the matter when the store is away, and go on when it is back', async () => {
    await system.services.redis.stop();
    await eventually(
      async () => {
        await page.goto(url);
        assert.match(await text(), /Something needs attention:.*dragonfly: .*DRAGONFLY_URL/s);
      },
      { timeoutMs: 20_000, intervalMs: 500 },
    );
    await page.goto(`${url}/targets`);
    assert.match(await text(), /the store does not answer at .*DRAGONFLY_URL/);
    await system.services.redis.start();
    await eventually(
      async () => {
        await page.goto(url);
        // Not waited for: without the store there is no such element, and the page is asked for anew.
        assert.match((await page.locator('#feed').allTextContents()).join(), /missed by the page/);
      },
      { timeoutMs: 20_000, intervalMs: 500 },
    );
  });

  it('can be read without JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const plain = await context.newPage();
    await plain.goto(url);
    assert.match((await plain.textContent('#feed')) ?? '', /missed by the page/);
    await context.close();
  });

  it('break none of their own rules', () => {
    // Being offline is told as an error by the browser, and so is an answer that says no.
    assert.deepEqual(
      complaints.filter((each) => !/ERR_INTERNET_DISCONNECTED|status of (40[01]|503)/.test(each)),
      [],
    );
  });
});
