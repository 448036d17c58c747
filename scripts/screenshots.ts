/**
 * `npm run screenshots`: runs `npm start` with the sandbox and takes the pictures of the README. Needs chromium on PATH, and
 * fonts with emoji (Debian: fonts-noto-color-emoji, fonts-noto-cjk).
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser } from '../test/page/browser.ts';

const SIZE = { width: 1_100, height: 620 };
/** Some polls, and some announcements. */
const LIVELY_MS = 40_000;

const root = resolve(import.meta.dirname, '..');
const images = join(root, 'docs', 'images');
mkdirSync(images, { recursive: true });
const env = { ...process.env, TWITCH_CLIENT_ID: '', TWITCH_CLIENT_SECRET: '', ADMIN_TOKEN: '' };
const start = spawn(process.execPath, [join(root, 'sandbox/start.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
start.stdout.on('data', (text) => {
  output += text;
});
try {
  while (!output.includes('Ctrl-C')) {
    if (start.exitCode !== null) throw new Error(`npm start has ended:\n${output}`);
    await sleep(500);
  }
  const [, page = '', token = ''] = /Page +(\S+) +\(sign in with (\S+)\)/.exec(output) ?? [];
  await sleep(LIVELY_MS);
  const browser = await launchBrowser();
  const tab = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await tab.goto(page);
  await sleep(6_000);
  await tab.screenshot({ path: join(images, 'now.png') });
  await tab.goto(`${page}sign-in`);
  await tab.locator('#token').fill(token);
  await tab.locator('main button').click();
  await tab.goto(`${page}targets`);
  await tab.screenshot({ path: join(images, 'targets.png') });
  await tab.goto(`${page}polls`);
  await tab.getByRole('link', { name: 'steps' }).first().click();
  await sleep(6_000);
  await tab.screenshot({ path: join(images, 'poll.png') });
  await browser.close();
} finally {
  start.kill('SIGINT');
}
