import type { Mutation } from './mutation.ts';

/** Installations, targets, time limits, and what an operator is told. */
export const serviceMutations: Mutation[] = [
  {
    name: 'a poll has a time limit',
    edits: [
      {
        file: 'src/temporal/schedule/definition.ts',
        find: '      staticSummary: summary(intervalSeconds),',
        put: '      workflowExecutionTimeout: 8_000,\n      staticSummary: summary(intervalSeconds),',
      },
      {
        file: 'src/temporal/schedule/definition.ts',
        find: '!action.workflowExecutionTimeout',
        put: 'action.workflowExecutionTimeout === 8_000',
      },
    ],
    suites: ['cli/schedule', 'e2e/workersAway'],
  },
  {
    name: 'all installations have their keys behind one prefix',
    edits: [{ file: 'src/worker/process.ts', find: ', keyPrefix(settings.INSTANCE));', put: ');' }],
    suites: ['e2e/instances'],
  },
  {
    name: 'the prefix of keys is no hash tag',
    edits: [{ file: 'src/storage/keys.ts', find: 'return `{', put: 'return `' }],
    suites: ['storage/cluster'],
  },
  {
    name: 'the settings bring back what the client removed',
    edits: [
      {
        file: 'src/storage/lua/removeTargets.lua',
        find: "redis.call('HSET', named, id, 'removed')",
        put: "redis.call('HDEL', named, id)",
      },
    ],
    suites: ['storage/settingsTargets', 'e2e/settingsTargets'],
  },
  {
    name: 'a target leaves as soon as no list in the store names it',
    edits: [{ file: 'src/storage/settingsTargets.ts', find: '>= LIST_KEPT_MS;', put: '>= 0;' }],
    suites: ['storage/settingsTargets'],
  },
  {
    name: 'readiness goes by the setting, not by the schedule',
    edits: [
      {
        file: 'src/worker/checks/polls.ts',
        find: 'view?.intervalSeconds ?? settings.intervalSeconds',
        put: 'settings.intervalSeconds',
      },
    ],
    suites: ['worker/pollCheck'],
  },
  {
    name: 'polls that end without a report are not counted',
    edits: [
      {
        file: 'src/worker/metrics/polls.ts',
        find: 'polls.inc({ outcome }),',
        put: 'polls.inc({ outcome }, 0),',
      },
    ],
    suites: ['temporal/views'],
  },
];
