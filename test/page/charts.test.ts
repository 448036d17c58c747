import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import type { ApiSeries } from '../../src/http/api/series.ts';
import { pauseSchedule, resumeSchedule } from '../../src/temporal/schedule/actions.ts';
import { eventually } from '../support/services.ts';
import { accessibilityProblems, launchBrowser } from './browser.ts';

const CHARTS = 4;
/** How often a canvas was drawn on: pixels that are not transparent, chart by chart. */
const INKED = `[...document.querySelectorAll('#charts canvas')].map((canvas) =>
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter((value, i) => i % 4 === 3 && value > 0).length)`;

describe('the charts', { timeout: 240_000 }, () => {
  let system: System;
  let browser: Browser;
  let worker: SystemWorker;
  let url: string;
  let page: Page;
  const complaints: string[] = [];

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ intervalSeconds: 1, env: { TARGET_USER_IDS: '701,702' } }),
      launchBrowser(),
    ]);
    const { world } = system.sandbox;
    for (const id of ['701', '702']) world.addUser({ id, login: `user_${id}` });
    worker = await system.startWorker();
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

  const seriesOf = async (base: string) => (await (await fetch(`${base}/api/v1/series`)).json()) as ApiSeries;
  const rowsOf = (chart: number) =>
    page
      .locator('#charts figure')
      .nth(chart)
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) =>
          [...row.children].map((cell, i) => (i === 0 ? cell.querySelector('time')?.dateTime : cell.textContent)),
        ),
      );
  const announced = ({ slots }: ApiSeries) => slots.reduce((sum, slot) => sum + slot.announced, 0);

  it('are drawn of what has happened, and the tables hold the same figures', async () => {
    await eventually(async () => assert.ok((await seriesOf(url)).slots.some(({ polls }) => polls > 0)));
    system.sandbox.world.goLive({ userId: '701' });
    await eventually(async () => assert.equal(announced(await seriesOf(url)), 1));
    // The rest of the day stays as it is.
    await pauseSchedule(system.client, 'for the charts', 'stream-poller');
    await eventually(
      async () => {
        const told = await seriesOf(url);
        await page.goto(url);
        assert.equal(await page.locator('#charts canvas').count(), CHARTS);
        const text = (value: number | undefined) => String(value ?? '');
        const newestFirst = told.slots.toReversed();
        assert.deepEqual(
          [await rowsOf(0), await rowsOf(2), await rowsOf(3)],
          [
            newestFirst.map(({ at, lag, delivery }) => [
              at,
              ...[lag?.meanSeconds, lag?.mostSeconds, delivery?.meanSeconds].map(text),
            ]),
            newestFirst.map(({ at, liveMost, live, targets }) => [at, ...[liveMost, live, targets].map(text)]),
            newestFirst.map((slot) => [slot.at, text(slot.announced)]),
          ],
        );
        const [requests] = (await rowsOf(1)).map((cells) => cells.slice(2));
        const [{ requests: sent, polls, partialPolls, failedPolls } = {}] = newestFirst;
        assert.deepEqual(requests, [sent, polls, partialPolls, failedPolls].map(text));
      },
      { timeoutMs: 20_000, intervalMs: 1_000 },
    );
    const drawn = (await page.evaluate(INKED)) as number[];
    assert.ok(
      drawn.every((pixels) => pixels > 500),
      drawn.join(),
    );
    assert.match((await page.locator('#charts figure').nth(2).locator('.keys').textContent()) ?? '', /Most 1/);
  });

  it('say beside them that polls are paused, and what to do', async () => {
    const health = page.locator('section[aria-label=Health]');
    await eventually(
      async () => {
        await page.goto(url);
        assert.match(
          (await health.textContent()) ?? '',
          /needs attention:.*polling is paused \(for the charts\): npm run client -- schedule resume/s,
        );
      },
      { timeoutMs: 20_000, intervalMs: 1_000 },
    );
  });

  it('are accessible with their tables, in light and dark, on a phone and on a desk', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1_280]) {
        // What axe does is forbidden to the page itself.
        const context = await browser.newContext({ bypassCSP: true, colorScheme, viewport: { width, height: 800 } });
        const looked = await context.newPage();
        await looked.goto(`${url}/?range=${width === 360 ? 'day' : 'month'}`);
        for (const summary of await looked.locator('#charts summary').all()) await summary.click();
        assert.deepEqual(await accessibilityProblems(looked), [], `${colorScheme}, ${width}`);
        const overflow = await looked.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(overflow) <= 0, `wider than ${width}`);
        await context.close();
      }
    }
  });

  it('can be read without JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const plain = await context.newPage();
    await plain.goto(url);
    await plain.locator('summary', { hasText: 'Announcements' }).click();
    assert.match(
      (await plain.locator('#charts figure').nth(3).locator('td:visible').allTextContents()).join(' '),
      /UTC \d/,
    );
    await context.close();
  });

  it('take in what is new once a minute while they are seen', async () => {
    const context = await browser.newContext();
    const watched = await context.newPage();
    await watched.clock.install();
    await watched.goto(url);
    const cells = watched.locator('#charts figure').nth(3).locator('tbody td:nth-child(2)');
    const total = async () => (await cells.allTextContents()).reduce((sum, text) => sum + Number(text), 0);
    assert.equal(await total(), 1);
    await resumeSchedule(system.client, 'on', 'stream-poller');
    system.sandbox.world.goLive({ userId: '702' });
    await eventually(async () => assert.equal(announced(await seriesOf(url)), 2));
    assert.equal(await total(), 1);
    await watched.clock.fastForward(62_000);
    await eventually(async () => assert.equal(await total(), 2));
    await context.close();
  });

  it('go on behind a restart of the worker', async () => {
    const before = await seriesOf(url);
    await worker.kill();
    const next = await system.startWorker();
    url = next.healthUrl.replace('/readyz', '');
    const now = await seriesOf(url);
    assert.equal(announced(now), 2);
    const requests = ({ slots }: ApiSeries) => slots.reduce((sum, slot) => sum + slot.requests, 0);
    assert.ok(requests(now) >= requests(before));
  });

  it('break none of the rules of the page', () => {
    // The worker that was killed has cut off the feed.
    assert.deepEqual(
      complaints.filter((each) => !/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_REFUSED/.test(each)),
      [],
    );
  });
});
