import type { Mutation } from './mutation.ts';

/** What comes from Twitch, and how it is asked for. */
export const twitchMutations: Mutation[] = [
  {
    name: '`first` left out of the request',
    edits: [
      {
        file: 'src/twitch/client.ts',
        find: 'new URLSearchParams({ first: String(STREAMS_PER_PAGE) })',
        put: 'new URLSearchParams()',
      },
    ],
    suites: ['twitch/client', 'e2e/system', 'faults/short'],
  },
  {
    name: 'text is handed on as Twitch sends it',
    edits: [
      { file: 'src/twitch/text.ts', find: "return cut.toWellFormed().replace(CONTROLS, ' ');", put: 'return text;' },
    ],
    suites: ['twitch/schema', 'workflows/hostile', 'faults/short'],
  },
  {
    name: 'texts have no cap',
    edits: [{ file: 'src/twitch/text.ts', find: 'text.length > most ?', put: 'text.length > most ** 9 ?' }],
    suites: ['twitch/schema', 'workflows/hostile', 'faults/short'],
  },
  {
    name: 'a batch with a refused id is given up',
    edits: [
      {
        file: 'src/workflows/batches.ts',
        find: 'if (mayBeOfIds(failure, batch.kind, ids) && takesNewSteps()) {',
        put: 'if (parts.refused.length < 0) {',
      },
    ],
    suites: ['workflows/refused', 'faults/short'],
  },
  {
    name: 'ids are blamed when Twitch refuses everything',
    edits: [{ file: 'src/poll/bisection.ts', find: 'this.#evidence = refusedBefore;', put: 'this.#evidence = true;' }],
    suites: ['poll/bisection', 'workflows/refused'],
  },
  {
    name: 'a cursor that leads nowhere ends the list',
    edits: [
      {
        file: 'src/poll/chain.ts',
        find: '  const place = Math.max(0, wanted);\n',
        put: '  if (!chain.restarted) return breakOff(chain);\n  const place = Math.max(0, wanted);\n',
      },
    ],
    suites: ['poll/chain', 'workflows/listings', 'faults/short'],
  },
  {
    name: 'games are asked for a hundred at a time',
    edits: [
      {
        file: 'src/poll/gameGroups.ts',
        find: 'group.size < GAMES_PER_REQUEST && group.live + streams <= STREAMS_PER_PAGE',
        put: 'group.size < STREAMS_PER_PAGE',
      },
    ],
    suites: ['workflows/listings'],
  },
  {
    name: 'waiting for a turn counts as time for a request',
    edits: [
      {
        file: 'src/workflows/proxies.ts',
        find: '    allowEagerDispatch: false,\n',
        put: '    allowEagerDispatch: false,\n    scheduleToCloseTimeout: REQUEST_ATTEMPT_MS,\n',
      },
    ],
    suites: ['workflows/waiting'],
  },
];
