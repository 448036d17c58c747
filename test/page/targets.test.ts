import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type System, startSystem } from '../../sandbox/system.ts';
import { eventually } from '../support/services.ts';
import { accessibilityProblems, launchBrowser } from './browser.ts';

const TOKEN = 'sixteen-letters-token';

describe('the pages: targets and a search', { timeout: 180_000 }, () => {
  let system: System;
  let browser: Browser;
  let context: BrowserContext;
  let url: string;
  let page: Page;

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({
        intervalSeconds: 1,
        env: { ADMIN_TOKEN: TOKEN, TARGET_USER_IDS: '701,702,703', TARGET_GAME_IDS: '91' },
      }),
      launchBrowser(),
    ]);
    const { world } = system.sandbox;
    for (const [id, login] of Object.entries({ 701: 'pixelpanda', 702: 'pixelfox', 703: 'mossyotter' })) {
      world.addUser({ id, login });
    }
    world.addGame({ id: '91', name: 'Slow Chess' });
    const worker = await system.startWorker();
    url = worker.healthUrl.replace('/readyz', '');
    for (const userId of ['701', '702']) world.goLive({ userId, title: `<b>hello</b> ${userId}` });
    await system.schedule();
    // What has to work without JavaScript does with it.
    context = await browser.newContext({ javaScriptEnabled: false });
    page = await context.newPage();
    await eventually(async () => {
      const { streams } = (await (await fetch(`${url}/api/v1/streams`)).json()) as { streams: object[] };
      assert.equal(streams.length, 2);
    });
    await page.goto(`${url}/sign-in`);
    await page.locator('#token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  const text = async () => (await page.textContent('main')) ?? '';

  it('find who is live by the beginning of a login, by a link and by id, with the keyboard alone', async () => {
    for (const [typed, found] of [
      ['PIXEL', ['pixelfox', 'pixelpanda']],
      ['https://www.twitch.tv/pixelpanda', ['pixelpanda']],
      ['@pixelfox', ['pixelfox']],
      ['701', ['pixelpanda']],
      ['mossyotter', []],
    ] as const) {
      await page.goto(url);
      await page.getByRole('searchbox').fill(typed);
      await Promise.all([page.waitForURL(/\?q=/), page.keyboard.press('Enter')]);
      assert.deepEqual(await page.locator('#live tr td:first-child').allTextContents(), found, typed);
    }
    assert.match(await text(), /Nobody is live whose login begins with “mossyotter”/);
    await page.getByRole('link', { name: 'All live streams' }).click();
    assert.equal(await page.locator('#live tr').count(), 2);
  });

  it('show one target with its stream, its next poll and its announcements', async () => {
    await page.goto(`${url}/targets`);
    assert.match(await text(), /All targets are polled every \d s\./);
    await page.getByRole('link', { name: 'pixelpanda (701)' }).click();
    assert.equal(new URL(page.url()).pathname, '/targets/user/701');
    assert.match(await text(), /pixelpanda.*live since.*<b>hello<\/b> 701.*Next poll\s*about .*it is in every poll/s);
    await eventually(async () => {
      await page.reload();
      assert.match(await text(), /Its latest announcements.*<b>hello<\/b> 701.*announced/s);
    });
    assert.equal(await page.locator('main b').count(), 0);
    await page.goto(`${url}/targets/user/99`);
    assert.match(await text(), /user 99 is not watched/);
    await page.goto(`${url}/targets/user/%3Cb%3E`);
    assert.match(await text(), /This did not work/);
  });

  it('change the labels of one target, and remove it', async () => {
    await page.goto(`${url}/targets/user/702`);
    await page.locator('#labels').fill('customer 7, vip');
    await page.getByRole('button', { name: 'Change labels' }).click();
    assert.match(await text(), /The labels were changed\..*Labels\s*customer 7, vip/s);
    await page.locator('#labels').fill('');
    await page.getByRole('button', { name: 'Change labels' }).click();
    assert.match(await text(), /Labels\s*none/);
    await page.locator('#labels').fill('x'.repeat(65));
    await page.getByRole('button', { name: 'Change labels' }).click();
    assert.match(await text(), /Labels: expected at most 64 characters/);
    await page.goto(`${url}/targets/user/702`);
    await page.getByRole('button', { name: 'Watch it no longer' }).click();
    assert.match(await text(), /1 removed\./);
    const answer = await page.goto(`${url}/targets/user/702`);
    assert.equal(answer?.status(), 404);
    // Who was removed meanwhile does not come back by a label.
    const [cookie] = await context.cookies();
    const headers = { cookie: `${cookie?.name}=${cookie?.value}`, 'sec-fetch-site': 'same-origin' };
    const body = new URLSearchParams({ labels: 'vip' });
    assert.equal((await fetch(`${url}/targets/user/702/labels`, { method: 'POST', headers, body })).status, 404);
    assert.equal((await fetch(`${url}/targets/user/701/labels`, { method: 'POST', body })).status, 401);
  });

  it('are accessible, in light and dark, on a phone and on a desk', async () => {
    const cookies = await context.cookies();
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1_280]) {
        const looked = await (
          await browser.newContext({ bypassCSP: true, colorScheme, viewport: { width, height: 800 } })
        ).newPage();
        await looked.context().addCookies(cookies);
        for (const path of ['/?q=pix', '/?q=nobody', '/targets/user/701', '/targets/game/91']) {
          await looked.goto(url + path);
          assert.deepEqual(await accessibilityProblems(looked), [], `${path}, ${colorScheme}, ${width}`);
          const overflow = await looked.evaluate('document.documentElement.scrollWidth - innerWidth');
          assert.ok(Number(overflow) <= 0, `${path} is wider than ${width}`);
        }
        await looked.context().close();
      }
    }
  });
});
