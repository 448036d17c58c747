import type { Mutation } from './mutation.ts';

const PUBLISH = 'src/activities/publishing.ts';

/** From a claim to the broker, and back to the mark. */
export const deliveryMutations: Mutation[] = [
  {
    name: 'marked as announced before the confirm',
    edits: [
      {
        file: PUBLISH,
        find: '    const marking: Promise<void>[] = [];',
        put: '    await this.#streams.markAnnounced(owed.map(({ id }) => id));\n    const marking: Promise<void>[] = [];',
      },
    ],
    suites: ['workflows', 'e2e/system', 'faults/short'],
  },
  {
    name: 'a store that fails often enough ends publishing',
    edits: [{ file: PUBLISH, find: ', endless: true }', put: ' }' }],
    suites: ['delivery/publish', 'delivery/storeAfterConfirm'],
  },
  {
    name: 'what was confirmed is forgotten between two attempts',
    edits: [
      { file: PUBLISH, find: '[...before, ...lastHeartbeatList()]', put: '[]' },
      { file: PUBLISH, find: 'if (this.#unmarked.has(id)) confirmed.add(id);', put: 'void id;' },
      { file: PUBLISH, find: "'./attempt.ts';", put: "'./attempt.ts';\nvoid lastHeartbeatList;" },
    ],
    suites: ['delivery/publish', 'delivery/storeAfterConfirm'],
  },
  {
    name: 'a worker that was frozen sends without asking again',
    edits: [{ file: PUBLISH, find: 'pulse.isBefore(sendUntil)', put: 'pulse.isBefore(sendUntil) || true' }],
    suites: ['delivery/publish'],
  },
  {
    name: 'a delivery for each diff',
    edits: [
      {
        file: 'src/workflows/slices.ts',
        find: 'if (takesNewSteps()) this.#handOver',
        put: "if (owner === '') this.#handOver",
      },
    ],
    suites: ['delivery/oneDelivery', 'e2e/outage'],
  },
  {
    name: 'deliveries do not renew their claims',
    edits: [
      {
        file: PUBLISH,
        find: 'await this.#streams.renewClaims(owner, ids, leaseMs)',
        put: 'leaseMs === LEASE_MS ? await this.#streams.renewClaims(owner, ids, leaseMs) : ids',
      },
    ],
    suites: ['delivery/publish', 'e2e/outage'],
  },
  {
    name: '`mandatory` left out',
    edits: [{ file: 'src/publisher/message.ts', find: '      mandatory: true,\n', put: '' }],
    suites: ['publisher/rabbitmq', 'publisher/faultProxy', 'faults/short'],
  },
  {
    name: 'error listener in `setup` removed',
    edits: [
      {
        file: 'src/publisher/brokerLink.ts',
        find: "    model.on('error', (error) => logger.debug({ error: brokerText(error) }, 'RabbitMQ connection error'));\n",
        put: '',
      },
    ],
    suites: ['publisher/brokenConnections', 'publisher/faultProxy', 'faults/short'],
  },
];
