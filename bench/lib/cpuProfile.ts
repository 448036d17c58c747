import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}

interface CpuProfile {
  nodes: ProfileNode[];
  /** Microseconds of the system's monotonic clock. */
  startTime: number;
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

export interface ProfileSummary {
  /** Milliseconds by what the program was busy with. */
  byPart: Map<string, number>;
  /** Milliseconds by function, without what it called. */
  bySelf: Map<string, number>;
}

/** What a function of ours belongs to; the innermost on the stack decides. */
const PARTS: [pattern: RegExp, part: string][] = [
  [/\/src\/twitch\//, 'request and parse'],
  [/\/src\/activities\/poll/, 'stage'],
  [/\/src\/activities\/diff/, 'diff'],
  [/\/src\/activities\/publish|\/src\/publisher\//, 'publish'],
  [/\/src\/activities\/targets|\/src\/storage\/targets/, 'fetch targets'],
];
const FUNCTIONS: Record<string, string> = {
  stagePage: 'stage',
  readPages: 'diff',
  diff: 'diff',
  toEvent: 'diff',
  renewClaims: 'publish',
  markAnnounced: 'publish',
};

/** A regular expression is named by its whole text. */
const NAME_LENGTH = 40;

/**
 * Adds up all profiles of a folder: Node writes one for each thread.
 *
 * @param from what came before does not count: a reading of `process.hrtime.bigint()`, which processes of a machine share
 */
export function readProfiles(dir: string, from: bigint): ProfileSummary {
  const summary: ProfileSummary = { byPart: new Map(), bySelf: new Map() };
  for (const name of readdirSync(dir)) {
    if (!name.endsWith('.cpuprofile')) continue;
    addProfile(JSON.parse(readFileSync(join(dir, name), 'utf8')), Number(from / 1_000n), summary);
  }
  return summary;
}

function addProfile(profile: CpuProfile, fromMicros: number, { byPart, bySelf }: ProfileSummary): void {
  const { nodes, samples, timeDeltas, startTime } = profile;
  const parents = new Map<number, ProfileNode>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const parts = new Map<number, string>();
  const partOf = (node: ProfileNode): string => {
    const known = parts.get(node.id);
    if (known !== undefined) return known;
    const stack: ProfileNode[] = [];
    for (let at: ProfileNode | undefined = node; at; at = parents.get(at.id)) stack.push(at);
    const part = classify(stack);
    parts.set(node.id, part);
    return part;
  };
  let atMicros = startTime;
  for (const [i, id] of samples.entries()) {
    const node = byId.get(id);
    atMicros += timeDeltas[i] ?? 0;
    if (!node || atMicros < fromMicros || ['(idle)', '(root)', '(program)'].includes(node.callFrame.functionName))
      continue;
    const ms = (timeDeltas[i] ?? 0) / 1_000;
    const self = describe(node);
    bySelf.set(self, (bySelf.get(self) ?? 0) + ms);
    const part = partOf(node);
    byPart.set(part, (byPart.get(part) ?? 0) + ms);
  }
}

/** @param stack innermost first */
function classify(stack: readonly ProfileNode[]): string {
  if (stack[0]?.callFrame.functionName === '(garbage collector)') return 'garbage collection';
  for (const { callFrame } of stack) {
    const { url, functionName } = callFrame;
    const named = url.includes('/src/storage/') && FUNCTIONS[functionName];
    if (named) return named;
    const part = PARTS.find(([pattern]) => pattern.test(url));
    if (part) return part[1];
    if (/workflow-bundle|workflows\.js/.test(url)) return 'workflow code';
  }
  for (const { callFrame } of stack) {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(callFrame.url)?.[1];
    if (name) return name;
  }
  return 'the rest of Node';
}

function describe({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/(src\/)/, '$1')
    .replace(/^.*\/workflows\.js$/, 'bundle of the workflows');
  const name = functionName.length > NAME_LENGTH ? `${functionName.slice(0, NAME_LENGTH)}…` : functionName;
  return `${name || '(anonymous)'}${file ? ` ${file}:${lineNumber + 1}` : ''}`;
}
