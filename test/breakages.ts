/**
 * `npm run breakages`: breaks the sources on purpose, in a copy, one guard after another, and runs the suites that should
 * notice. Prints which of them did; ends with 1 when a breakage went unnoticed. Arguments choose breakages by a part of
 * their name. The table in docs/reliability.md comes from here.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Edit {
  file: string;
  find: string;
  put: string;
}

interface Breakage {
  name: string;
  edits: Edit[];
  /** As `npm test -- <suite>` takes them. */
  suites: string[];
}

const PUBLISH = 'src/activities/publishing.ts';
const DIFF = 'src/storage/lua/diffStreams.lua';
const RENEW = 'src/storage/lua/renewClaims.lua';

const oneMiss: Edit = { file: DIFF, find: 'entry.misses >= context.offlineAfterMisses', put: 'entry.misses >= 1' };

const BREAKAGES: Breakage[] = [
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
    edits: [{ file: PUBLISH, find: '{ endless: true }', put: '{}' }],
    suites: ['delivery/publish', 'delivery/storeAfterConfirm'],
  },
  {
    name: 'what was confirmed is forgotten between two attempts',
    edits: [
      { file: PUBLISH, find: '[...before, ...lastHeartbeatList()]', put: '[]' },
      { file: PUBLISH, find: 'if (this.#unmarked.has(id)) confirmed.add(id);', put: 'void id;' },
      { file: PUBLISH, find: "'./heartbeat.ts';", put: "'./heartbeat.ts';\nvoid lastHeartbeatList;" },
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
    name: 'a poll has a time limit',
    edits: [
      {
        file: 'src/schedule.ts',
        find: '      staticSummary: summary(intervalSeconds),',
        put: '      workflowExecutionTimeout: 8_000,\n      staticSummary: summary(intervalSeconds),',
      },
      {
        file: 'src/schedule.ts',
        find: '!action.workflowExecutionTimeout',
        put: 'action.workflowExecutionTimeout === 8_000',
      },
    ],
    suites: ['client/schedule', 'e2e/workersAway'],
  },
  {
    name: '`mandatory` left out',
    edits: [{ file: 'src/publisher/message.ts', find: '      mandatory: true,\n', put: '' }],
    suites: ['publisher/rabbitmq', 'publisher/faultProxy', 'faults/short'],
  },
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
    suites: ['storage/versions', 'e2e/snapshot'],
  },
  {
    name: 'a claim has no lease',
    edits: [
      { file: DIFF, find: ", ownClaim, 'PX', context.leaseMs)", put: ', ownClaim)' },
      { file: RENEW, find: ", claim, 'PX', ARGV[2])", put: ', claim)' },
    ],
    suites: ['storage/liveSet', 'storage/invariants', 'faults/short'],
  },
  {
    name: "others' claims are not respected",
    edits: [
      { file: DIFF, find: 'mark == ownClaim then', put: "string.sub(mark, 1, 6) == 'claim:' then" },
      { file: RENEW, find: 'not mark or mark == claim or', put: "not mark or string.sub(mark, 1, 6) == 'claim:' or" },
    ],
    suites: ['storage/liveSet', 'storage/invariants', 'faults/short'],
  },
  {
    name: '`first` left out of the request',
    edits: [
      {
        file: 'src/twitch/client.ts',
        find: 'new URLSearchParams({ first: String(MAX_IDS_PER_REQUEST) })',
        put: 'new URLSearchParams()',
      },
    ],
    suites: ['twitch/client', 'e2e/system', 'faults/short'],
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
  {
    name: 'all installations have their keys behind one prefix',
    edits: [{ file: 'src/worker/process.ts', find: 'new Keys(keyPrefix(settings.INSTANCE))', put: 'new Keys()' }],
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
    edits: [{ file: 'src/storage/settingsTargets.ts', find: '>= KEPT_MS;', put: '>= 0;' }],
    suites: ['storage/settingsTargets'],
  },
  {
    name: 'text is handed on as Twitch sends it',
    edits: [
      { file: 'src/twitch/text.ts', find: "return cut.toWellFormed().replace(CONTROLS, ' ');", put: 'return text;' },
    ],
    suites: ['twitch/schema', 'workflows/hostile'],
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
    suites: ['unit/failures', 'workflows/fullStore'],
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

const root = resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const chosen = BREAKAGES.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
if (chosen.length === 0) {
  process.stderr.write(
    `no breakage contains ${wanted.join(', ')}:\n${BREAKAGES.map(({ name }) => `  ${name}\n`).join('')}`,
  );
  process.exit(2);
}

const rows: string[] = [];
for (const breakage of chosen) {
  process.stdout.write(`${breakage.name}\n`);
  const copy = copySources();
  try {
    for (const edit of breakage.edits) apply(copy, edit);
    const noticed: string[] = [];
    const missed: string[] = [];
    for (const suite of breakage.suites) {
      const { failed, lastLine } = await runSuite(copy, suite);
      (failed ? noticed : missed).push(suite);
      process.stdout.write(`  ${failed ? 'red  ' : 'green'} ${suite}: ${lastLine}\n`);
    }
    if (noticed.length === 0) process.exitCode = 1;
    rows.push(`| ${breakage.name} | ${list(noticed)} | ${list(missed)} |`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
process.stdout.write(`\n| broken on purpose | went red | stayed green |\n|---|---|---|\n${rows.join('\n')}\n`);

/** What git knows of this folder, as it is now, with the dependencies linked. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'stream-poller-broken-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of files.toString().split('\0').filter(Boolean)) {
    cpSync(join(root, file), join(copy, file), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function apply(copy: string, { file, find, put }: Edit): void {
  const path = join(copy, file);
  const before = readFileSync(path, 'utf8');
  if (!before.includes(find)) throw new Error(`${file} has changed: it does not hold ${JSON.stringify(find)}`);
  writeFileSync(
    path,
    before.replace(find, () => put),
  );
}

/** Runs a suite in the broken copy. Whether it failed, and its last line, which counts passed and failed tests. */
async function runSuite(copy: string, suite: string): Promise<{ failed: boolean; lastLine: string }> {
  const child = spawn('npm', ['test', '--', suite], { cwd: copy, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { failed: code !== 0, lastLine: output.trimEnd().split('\n').at(-1) ?? '' };
}

function list(suites: readonly string[]): string {
  return suites.map((suite) => `\`${suite}\``).join(', ') || 'none';
}
