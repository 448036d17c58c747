import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pollIdOf } from '../../src/poll/names.ts';

test('polls of one workflow id that run within the same minute have ids of their own', () => {
  // As a Temporal server made them for polls that were triggered in one second, and ran one after the other.
  const runs = ['01a20d74-5c1a-7d1f-9a53-9d1c9e8f6b21', '01a20d74-61e2-72b0-8b5e-1f0a7c3d9e44'];
  const ids = runs.map((runId) => pollIdOf('poll-streams-2026-01-01T12:00:00Z', runId));
  assert.equal(new Set(ids).size, 2);
});
