import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findOrInstall } from '../../sandbox/services/install.ts';
import { findCommand } from '../../sandbox/services/process.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A headless browser: one on PATH, or Debian's package. */
export async function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  const find = () => NAMES.map(findCommand).find((path) => path !== undefined);
  const advice = 'the tests of the pages need chromium: install it, so that it is on PATH';
  const executablePath = await findOrInstall(find, { packageName: 'chromium', advice }, {});
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string }[];
}

/** What axe finds wrong with the page as it is now: rule and place, a line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = (await page.evaluate('axe.run().then((results) => results.violations)')) as Violation[];
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`));
}
