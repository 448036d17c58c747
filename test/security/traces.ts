import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { System } from '../../sandbox/system.ts';

const run = promisify(execFile);

/** What a wrong RABBITMQ_URL is told to look like. */
const EXAMPLE = 'amqp://guest:guest@localhost:5672';

/** Everything that a run has left somewhere, by where that is. */
export type Traces = Map<string, string>;

/** The logs of all workers, as they wrote them. */
export function workerLogs({ dir }: System): Traces {
  const folders = readdirSync(dir).filter((name) => name.startsWith('worker-'));
  return new Map(folders.map((name) => [`log of ${name}`, readFileSync(join(dir, name, 'worker.log'), 'utf8')]));
}

/** What the store wrote to its disk: every key that ever was in it. */
export function storeFiles(dir: string): Traces {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && /\.(aof|rdb)$/.test(entry.name),
  );
  return new Map(files.map(({ parentPath, name }) => [`file ${name}`, readFileSync(join(parentPath, name), 'latin1')]));
}

/** The history of every workflow, and what Temporal shows of its pending activities, with all payloads decoded. */
export async function histories({ services, client }: System): Promise<Traces> {
  const found: Traces = new Map();
  const temporal = async (...args: string[]) => {
    const all = [...args, '--address', services.temporalAddress, '--output', 'json'];
    const { stdout } = await run(services.temporal.cli, all, { maxBuffer: 256 * 1024 * 1024 });
    return `${stdout}\n${payloads(JSON.parse(stdout)).join('\n')}`;
  };
  for await (const { workflowId, runId } of client.workflow.list()) {
    const which = ['--workflow-id', workflowId, '--run-id', runId];
    const [history, description] = await Promise.all([
      temporal('workflow', 'show', ...which),
      temporal('workflow', 'describe', ...which),
    ]);
    found.set(`workflow ${workflowId}`, history + description);
  }
  return found;
}

/** Every text in the value that is base64 of something, decoded. */
function payloads(value: unknown): string[] {
  if (typeof value === 'string') {
    return /^[A-Za-z0-9+/]{8,}={0,2}$/.test(value) ? [Buffer.from(value, 'base64').toString('utf8')] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloads);
}

/** Where a secret, the shape of one, or one in another spelling stands, each with what is around it. */
export function findSecrets(traces: Traces, secrets: Readonly<Record<string, string>>): string[] {
  const spellings = Object.entries(secrets).flatMap(([name, secret]) => {
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
    return [...new Set([secret, encodeURIComponent(secret), base64])].map((spelling) => [name, spelling] as const);
  });
  const shapes: [string, RegExp][] = [
    ['a bearer token', /\bBearer [\w.~+/-]/i],
    ['credentials in a URL', /\b[a-z]+:\/\/[^\s/"'@]*:[^\s/"'@]+@/i],
  ];
  const found: string[] = [];
  for (const [where, text] of traces) {
    for (const [name, spelling] of spellings) {
      if (text.includes(spelling)) found.push(`${where}: ${name} in ${around(text, text.indexOf(spelling))}`);
    }
    for (const [name, shape] of shapes) {
      const match = shape.exec(text.replaceAll(EXAMPLE, ''));
      if (match) found.push(`${where}: ${name} in ${JSON.stringify(match[0])}`);
    }
  }
  return found;
}

function around(text: string, at: number): string {
  return JSON.stringify(text.slice(Math.max(0, at - 120), at + 60));
}
