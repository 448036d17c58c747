import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { stopServices } from '../support/services.ts';
import { recordHistories, startApp } from '../workflows/app.ts';
import { scenarios } from '../workflows/scenarios.ts';
import { historiesFolder, historyFile } from './histories.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { overwrite: { type: 'boolean' } } });
const names = scenarios.map((scenario) => scenario.name);
const unknown = positionals.filter((name) => !names.includes(name));
if (positionals.length === 0 || unknown.length > 0) {
  console.error(`Usage: npm run record-history -- <scenario…> [--overwrite]\nScenarios: ${names.join(', ')}`);
  process.exit(2);
}
const kept = positionals.filter((name) => existsSync(historyFile(name)) && !values.overwrite);
if (kept.length > 0) {
  console.error(
    `There are histories of ${kept.join(', ')} already. They stand for runs that are in progress somewhere while a new ` +
      'version is rolled out: read test/replay/README.md before you add --overwrite.',
  );
  process.exit(1);
}

mkdirSync(historiesFolder, { recursive: true });
for (const { name, settings, run } of scenarios.filter((scenario) => positionals.includes(scenario.name))) {
  const app = await startApp(settings);
  try {
    await run(app);
    const recorded = await recordHistories(app);
    writeFileSync(historyFile(name), `${JSON.stringify(recorded)}\n`);
    console.log(`${name}: ${recorded.length} histories`);
  } finally {
    await app.stop();
  }
}
await stopServices();
