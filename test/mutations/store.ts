import type { Edit, Mutation } from './mutation.ts';

const DIFF = 'src/storage/lua/diffStreams.lua';
const RENEW = 'src/storage/lua/renewClaims.lua';

const oneMiss: Edit = { file: DIFF, find: 'entry.misses >= context.offlineAfterMisses', put: 'entry.misses >= 1' };

/** What the scripts keep and compare. */
export const storeMutations: Mutation[] = [
  {
    name: 'one miss counts as ended',
    edits: [oneMiss],
    suites: ['storage/liveSet', 'storage/invariants', 'e2e/system', 'faults/short'],
  },
  {
    name: 'one miss counts as ended, and an end forgets the mark',
    edits: [
      oneMiss,
      {
        file: DIFF,
        find: '    ended = ended + 1\n    return true\n',
        put: "    ended = ended + 1\n    redis.call('DEL', '{stream-poller}:mark:' .. entry.streamId)\n    return true\n",
      },
    ],
    suites: ['storage/liveSet', 'storage/invariants', 'e2e/system', 'faults/short'],
  },
  {
    name: 'streams of removed targets are not left out',
    edits: [{ file: DIFF, find: 'local watched = isWatched(stream)', put: 'local watched = true' }],
    suites: ['storage/liveSet', 'storage/invariants', 'workflows/removedTargets'],
  },
  {
    name: 'polls are ordered by clocks',
    edits: [
      { file: 'src/storage/streams.ts', find: 'pollNo: request.poll.no ?? 0', put: 'pollNo: request.poll.startedMs' },
    ],
    suites: ['storage/versions'],
  },
  {
    name: "comparisons are not counted, only polls' openings",
    edits: [
      {
        file: DIFF,
        find: "redis.call('HINCRBY', meta, 'version', 1)",
        put: "tonumber(redis.call('HGET', meta, 'version'))",
      },
    ],
    suites: ['storage/lostState', 'e2e/snapshot'],
  },
  {
    name: 'a claim has no lease',
    edits: [
      { file: DIFF, find: ", ownClaim, 'PX', context.leaseMs)", put: ', ownClaim)' },
      { file: RENEW, find: ", claim, 'PX', ARGV[2])", put: ', claim)' },
    ],
    suites: ['storage/claims', 'storage/invariants', 'faults/short'],
  },
  {
    name: "others' claims are not respected",
    edits: [
      { file: DIFF, find: 'mark == ownClaim or', put: "mark and string.sub(mark, 1, 6) == 'claim:' or" },
      { file: RENEW, find: 'not mark or mark == claim or', put: "not mark or string.sub(mark, 1, 6) == 'claim:' or" },
    ],
    suites: ['storage/claims', 'storage/invariants', 'faults/short'],
  },
  {
    name: 'a stream that the script fails over fails its slice',
    edits: [
      {
        file: 'src/storage/compareAll.ts',
        find: '      if (!isScriptsOwn(error)) throw error;\n      if (counting) {',
        put: '      if (error) throw error;\n      if (counting) {',
      },
    ],
    suites: ['storage/skipped', 'workflows/hostile'],
  },
  {
    name: 'a store that is full in the middle of a script is given up on',
    edits: [{ file: 'src/storage/storeErrors.ts', find: '|[Oo]ut of memory|max number', put: '|max number' }],
    suites: ['activities/failures', 'workflows/fullStore'],
  },
  {
    name: 'what leads to a stream goes before it',
    edits: [
      {
        file: DIFF,
        find: "        redis.call('HDEL', live, userId)\n        redis.call('ZREM', index, member)\n",
        put: "        redis.call('ZREM', index, member)\n        redis.call('HDEL', live, userId)\n",
      },
    ],
    suites: ['storage/cut'],
  },
];
