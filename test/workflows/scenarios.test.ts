import { describe, it } from 'node:test';
import { withApp } from './app.ts';
import { scenarios } from './scenarios.ts';

describe('a poll, on real services', { timeout: 120_000 }, () => {
  for (const { name, settings, run } of scenarios) {
    it(`${name}, and its history replays`, () => withApp(run, settings));
  }
});
