import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Redis } from 'ioredis';
import { TASK_QUEUE, TWITCH_TASK_QUEUE } from '../../src/poll/names.ts';
import { type Program, startProgram, temporaryFolder } from '../support/program.ts';
import { randomPrefix, redis, temporal } from '../support/services.ts';

const ENTRY = join(import.meta.dirname, '../../src/client.ts');
/** Long enough for two busy cores; no command waits longer for a service than 5 s. */
const LONGEST_MS = 30_000;

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
  /** `stdout` as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the command printed
  json: any;
}

const undo: (() => unknown)[] = [];

after(async () => {
  for (const step of undo.reverse()) await step();
});

/** An empty folder, so that a developer's `.env` is not read. */
const folder = temporaryFolder();

/** The variables that every program needs, and those that the test gives. */
function environment(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'), ...given };
}

/** Starts the real client process. Its standard input is `input`, or with `null` stays open. */
export function startClient(args: readonly string[], env: NodeJS.ProcessEnv, input?: string | null): Program {
  const options = { cwd: folder, env: environment(env), timeout: LONGEST_MS };
  return startProgram(process.execPath, [ENTRY, ...args], options, input);
}

/** Runs the real client process to its end. */
export async function runClient(args: readonly string[], env: NodeJS.ProcessEnv, input?: string): Promise<Finished> {
  const program = startClient(args, env, input);
  const code = await program.exited;
  const { stdout, stderr } = program;
  return {
    code,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout);
    },
  };
}

/** An empty database of the test Redis. Tests of other folders use the first one, and keys with a prefix. */
export async function emptyRedis(database: number): Promise<{ url: string; store: Redis }> {
  const url = `${(await redis()).url}/${database}`;
  const store = new Redis(url);
  undo.push(() => store.disconnect());
  await store.flushdb();
  return { url, store };
}

/** A Temporal namespace for this file alone, since the client's task queues have fixed names. */
export async function freshNamespace() {
  const { address, cli } = await temporal();
  const namespace = randomPrefix();
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  const run = promisify(execFile);
  await run(cli, ['operator', 'namespace', 'create', '--namespace', namespace, '--address', address], {
    env: environment({}),
  });
  const connection = await Connection.connect({ address });
  undo.push(() => connection.close());
  return {
    env,
    client: new Client({ connection, namespace }),
    /** Runs a line that begins with `temporal` in a shell, as a person would paste it. */
    async shell(line: string): Promise<string> {
      const program = line.replace(/^temporal /, `'${cli}' `);
      return (await run('sh', ['-c', program], { env: environment({}) })).stdout;
    },
  };
}

/** Workers on both task queues that carry out the stand-in workflows of `workflows.ts`. */
export async function startWorkers(env: { TEMPORAL_ADDRESS: string; TEMPORAL_NAMESPACE: string }): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address: env.TEMPORAL_ADDRESS });
  const shared = { connection, namespace: env.TEMPORAL_NAMESPACE, maxCachedWorkflows: 5 };
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue: TASK_QUEUE, workflowsPath: join(import.meta.dirname, 'workflows.ts') }),
    Worker.create({ ...shared, taskQueue: TWITCH_TASK_QUEUE, activities: { pollPage: async () => undefined } }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  undo.push(async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
  });
}
