import { patched } from '@temporalio/workflow';

/**
 * Whether this run may take steps that runs of before this change did not know: refused ids are bisected, dead cursors
 * asked for again, and a poll hands its events to one delivery. False only while a run from before is replayed; to be
 * deleted, with what it guards, when the histories recorded before it are (test/replay/README.md).
 */
export function takesNewSteps(): boolean {
  return patched('bisect-restart-deliver');
}
