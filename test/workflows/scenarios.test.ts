import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { recordHistories, startApp, workflowBundle } from './app.ts';
import { scenarios } from './scenarios.ts';

describe('a poll, on real services', { timeout: 120_000 }, () => {
  for (const { name, settings, run } of scenarios) {
    it(`${name}, and its history replays`, async () => {
      const app = await startApp(settings);
      try {
        await run(app);
        const recorded = await recordHistories(app);
        assert.ok(recorded.length >= app.polls.length);
        for (const { workflowId, history } of recorded) {
          const text = JSON.stringify(history);
          for (const secret of [app.sandbox.clientSecret, 'Bearer', 'access_token']) assert.ok(!text.includes(secret));
          await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
        }
      } finally {
        await app.stop();
      }
    });
  }
});
