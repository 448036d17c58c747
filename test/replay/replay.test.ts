import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { type RecordedHistory, workflowBundle } from '../workflows/app.ts';
import { scenarios } from '../workflows/scenarios.ts';
import { historiesFolder, historyFile } from './histories.ts';

function read(name: string): RecordedHistory[] {
  return JSON.parse(readFileSync(historyFile(name), 'utf8'));
}

describe('workflow code and the committed histories', () => {
  it('have a history for each scenario, and no other', () => {
    const files = readdirSync(historiesFolder).sort();
    assert.deepEqual(files, scenarios.map(({ name }) => `${name}.json`).sort());
  });

  for (const { name } of scenarios) {
    it(`${name} still replays`, async () => {
      const histories = read(name);
      assert.ok(histories.length > 0);
      const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, histories);
      let replayed = 0;
      for await (const { workflowId, error } of results) {
        assert.equal(error, undefined, `${workflowId}: ${error?.message}`);
        replayed += 1;
      }
      assert.equal(replayed, histories.length);
    });
  }

  it('do not replay when the code takes other steps', async () => {
    const [recorded] = read('one-batch');
    assert.ok(recorded);
    const text = JSON.stringify(recorded.history).replaceAll('"diffStreams"', '"compareStreams"');
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, JSON.parse(text), recorded.workflowId),
      DeterminismViolationError,
    );
  });

  it('carry ids and counters: no event above 64 KB, no run above 5,000 events', () => {
    for (const { name } of scenarios) {
      for (const { history } of read(name)) {
        assert.ok(history.events.length < 5_000);
        for (const event of history.events) {
          assert.ok(JSON.stringify(event).length < 64 * 1024, `${name}: ${event.eventType}`);
        }
      }
    }
  });
});
