import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type System, type SystemWorker, startSystem } from '../../sandbox/system.ts';
import type { PollReport } from '../../src/poll/report.ts';
import { DEFAULT_PREFIX } from '../../src/storage/keys.ts';
import type { Store } from '../../src/storage/store.ts';
import { openStore } from '../storage/support.ts';
import { eventually } from '../support/services.ts';
import { launchBrowser } from './browser.ts';

const TOKEN = 'sixteen-letters-token';
/** A name over plain http, at which browsers send less than they do at localhost. */
const NAME = 'poller.internal';

const SCRIPTS = [
  '<script>window.ran=1</script>',
  '"><img src=x onerror="window.ran=1">',
  "' onmouseover='window.ran=1' autofocus onfocus='window.ran=1",
  '</textarea></title></table><svg onload="window.ran=1">',
  'javascript:window.ran=1',
  '{{constructor.constructor("window.ran=1")()}}',
  '<iframe srcdoc="<script>top.ran=1</script>">',
  '<!--',
  '</p></main><form action="https://evil.example"><button>Sign in</button>',
];
const LONG = 'W'.repeat(10_000);
const ODD = [
  LONG,
  '\u202egnirts a fo dne\u2066',
  `Z${'\u0341\u0316\u0489'.repeat(60)}algo`,
  '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(30),
  '\u0000\u001b[31m\ud800',
  'ﷺ'.repeat(60),
  '\u3164'.repeat(200),
];
const TEXTS = [...SCRIPTS, ...ODD];

describe('texts of strangers on the pages', { timeout: 240_000 }, () => {
  let system: System;
  let worker: SystemWorker;
  let browser: Browser;
  let store: Store;
  let url: string;
  let signedIn: BrowserContext;
  let cookies: Awaited<ReturnType<BrowserContext['cookies']>>;
  /** What a page has said about rules that were broken: text that became markup, even if nothing ran. */
  const broken: string[] = [];

  before(async () => {
    [system, browser] = await Promise.all([
      startSystem({ intervalSeconds: 1, env: { ADMIN_TOKEN: TOKEN, TEMPORAL_UI_URL: 'http://localhost:8233/' } }),
      launchBrowser([`--host-resolver-rules=MAP ${NAME} 127.0.0.1`]),
    ]);
    const { world } = system.sandbox;
    for (const [i, text] of TEXTS.entries()) {
      world.addGame({ id: `90${i}`, name: text.slice(0, 100) });
      world.addUser({ id: `80${i}`, login: `${text.slice(0, 99)}` });
      world.goLive({ userId: `80${i}`, title: text, gameId: `90${i}` });
    }
    worker = await system.startWorker();
    url = worker.healthUrl.replace('/readyz', '');
    store = await openStore(system.services.redisUrl, DEFAULT_PREFIX);
    await store.targets.add(
      'user',
      TEXTS.map((_, i) => `80${i}`),
    );
    await system.schedule();
    signedIn = await browser.newContext();
  });
  after(async () => {
    store?.connection.disconnect();
    await browser?.close();
    await system?.stop();
  });

  const call = (method: string, path: string, body?: object) =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });

  async function newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (/Content.Security|Refused|TrustedHTML/i.test(message.text())) broken.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => broken.push(`${page.url()}: ${error}`));
    page.on('dialog', (dialog) => {
      broken.push(`${page.url()}: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!/^(http:\/\/(127\.0\.0\.1|poller\.internal)[:/]|data:)/.test(request.url())) broken.push(request.url());
    });
    return page;
  }

  /** Asks the page itself, also where its own scripts are turned off. */
  async function isSound(page: Page, where: string): Promise<void> {
    await page.waitForLoadState();
    const seen = await page.evaluate(`({
      ran: window.ran,
      strangers: document.querySelectorAll('script:not([src^="/assets/"]), iframe, main img, [onerror], [onload], [onfocus], [onmouseover], [autofocus]').length,
      actions: [...document.querySelectorAll('form')].map((form) => new URL(form.action).origin === location.origin),
      links: [...document.querySelectorAll('a')].map(({ protocol }) => protocol),
      width: document.documentElement.scrollWidth - innerWidth,
    })`);
    const { ran, strangers, actions, links, width } = seen as {
      ran: unknown;
      strangers: number;
      actions: boolean[];
      links: string[];
      width: number;
    };
    assert.equal(ran, undefined, `${where}: a script of a stranger ran`);
    assert.equal(strangers, 0, `${where}: elements that may be a stranger's`);
    assert.ok(!actions.includes(false), `${where}: a form leads elsewhere`);
    assert.ok(
      links.every((protocol) => /^https?:$/.test(protocol)),
      `${where}: ${links}`,
    );
    assert.ok(width <= 0, `${where} is ${width} pixels wider than its window`);
  }

  it('sign in over plain http by name, where browsers tell less of where a form comes from', async () => {
    const page = await newPage(signedIn);
    const named = new URL(url);
    named.hostname = NAME;
    await page.goto(`${named.origin}/sign-in`);
    await page.locator('#token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    cookies = (await signedIn.cookies()).map((cookie) => ({ ...cookie, domain: '127.0.0.1' }));
    await signedIn.addCookies(cookies);
    await page.close();
  });

  it('arrive while a page is open, and stand there as text', async () => {
    const page = await newPage(signedIn);
    await eventually(async () => (await store.streams.countLive()) >= TEXTS.length, { timeoutMs: 30_000 });
    const { world } = system.sandbox;
    await page.goto(url);
    for (const [i, text] of TEXTS.entries()) {
      world.addUser({ id: `81${i}`, login: text.slice(0, 99) });
      world.goLive({ userId: `81${i}`, title: text, gameId: `90${i}` });
    }
    await call('POST', '/targets/add', { users: { ids: TEXTS.map((_, i) => `81${i}`) } });
    await eventually(
      async () => {
        const rows = (await page.locator('#feed tr.new').allTextContents()).join('\n');
        for (const text of SCRIPTS) assert.ok(rows.includes(text), text);
      },
      { timeoutMs: 30_000 },
    );
    await isSound(page, 'the feed');
    await page.close();
  });

  it('stand on every page as text, with and without JavaScript, on a phone and on a desk', async () => {
    // Else reports of polls soon take the place of those that are written here.
    await system.client.schedule.getHandle('stream-poller').pause(`${SCRIPTS.join(' ')} \u202e${'W'.repeat(300)}`);
    const nowMs = Date.now();
    await store.targets.add(
      'user',
      TEXTS.map((_, i) => `82${i}`),
    );
    await store.targets.refused.note(
      'user',
      TEXTS.map((reason, i) => ({ id: `82${i}`, reason })),
      [],
      nowMs,
    );
    // Labels and notes that the API would not take may be those of another version, or of Temporal's own tools.
    for (const [i, text] of TEXTS.entries()) await store.targets.labels.set('user', [`82${i}`], [text.toWellFormed()]);
    for (const text of TEXTS) {
      const report = {
        pollId: `${text}:1`,
        startedAt: text,
        durationMs: 5,
        problems: [text],
        advice: text,
        live: text,
      };
      await store.polls.keepReport(report as unknown as PollReport);
    }

    const given = TEXTS.map((text) => encodeURIComponent(text.slice(0, 300).toWellFormed()));
    const paths = [
      '/',
      '/targets',
      '/targets?state=refused',
      '/polls',
      '/sign-in',
      ...given.flatMap((text) => [
        `/?game=${text}`,
        `/?q=${text}`,
        `/targets?label=${text}`,
        `/targets?state=${text}&after=${text}&added=${text}`,
      ]),
      `/?after=${given[0]}`,
      `/nothing/${given[0]}`,
      `/api/v1/targets/user/${given[1]}`,
      `/api/v1/targets?label=${given[0]}`,
      '/api/v1/targets?state=refused',
    ];
    for (const javaScriptEnabled of [true, false]) {
      for (const width of [360, 1_280]) {
        const context = await browser.newContext({ javaScriptEnabled, viewport: { width, height: 800 } });
        await context.addCookies(cookies);
        const page = await newPage(context);
        // All of them once: what a page is given in its address depends on neither.
        for (const path of javaScriptEnabled && width === 360 ? paths : paths.slice(0, 5)) {
          const answer = await page.goto(url + path);
          assert.ok((answer?.status() ?? 500) < 500, `${path} ${answer?.status()}`);
          const isJson = (await page.evaluate('document.contentType')) !== 'text/html';
          if (!isJson) await isSound(page, `${path.slice(0, 80)}, ${width}, JavaScript ${javaScriptEnabled}`);
          assert.equal(await page.evaluate('window.ran'), undefined, path);
        }
        for (const [path, from] of [
          ['/', '#live'],
          ['/targets?state=refused', 'main'],
          ['/polls', 'main'],
        ] as const) {
          await page.goto(url + path);
          const text = (await page.textContent(from)) ?? '';
          for (const script of SCRIPTS) assert.ok(text.includes(script), `${path}: ${script}`);
        }
        await context.close();
      }
    }
  });

  it('come back from forms as text', async () => {
    const page = await newPage(signedIn);
    await page.setViewportSize({ width: 360, height: 800 });
    for (const text of TEXTS) {
      for (const [entries, labels] of [
        [text, text],
        [`game:${text.slice(0, 150)}`, 'vip'],
      ] as const) {
        await page.goto(`${url}/targets`);
        await page.locator('#entries').fill(entries);
        await page.locator('#labels').fill(labels);
        await page.getByRole('button', { name: 'Look up' }).click();
        await isSound(page, `a preview of ${entries.slice(0, 60)} with ${labels.slice(0, 60)}`);
      }
    }
    await page.goto(`${url}/targets`);
    await page.locator('#entries').fill(SCRIPTS[0] ?? '');
    await page.getByRole('button', { name: 'Look up' }).click();
    assert.match((await page.textContent('main')) ?? '', /Not understood: <script>window.ran=1<\/script>/);
    await page.goto(`${url}/sign-in`);
    await page.locator('#token').fill(SCRIPTS[1] ?? '');
    await page.locator('main button').click();
    await isSound(page, 'a token that is none');
    await page.close();
  });

  it('break no rule that the pages have for themselves', () => assert.deepEqual(broken, []));
});
