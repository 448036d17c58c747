/**
 * `npm start`: runs everything on this machine. Services whose URL is not set are started, private to this checkout;
 * Twitch is the sandbox unless there are credentials. Then the schedule is applied, and each `stream.online` is printed as
 * it arrives. Ctrl-C stops all of it, in order; a second one at once.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whatGoesOn } from '../scripts/background.mjs';
import { watchEvents } from '../src/cli/watch/watch.ts';
import { loadDotEnv } from '../src/config/env.ts';
import { reapServices, type Services, startServices } from './services/index.ts';
import { freePort, isFree } from './services/ports.ts';
import { command } from './services/process.ts';
import { createSteps } from './services/steps.ts';
import { withoutProxyHere } from './services/temporal.ts';
import { eventLine } from './start/eventLine.ts';
import { describeTargets, planStart, SANDBOX_GAMES, SANDBOX_OTHERS, SANDBOX_WATCHED } from './start/plan.ts';
import { type LocalWorker, startWorker } from './start/worker.ts';
import { startTwitchSandbox, type TwitchSandbox } from './twitch/index.ts';

const DEFAULT_HTTP_PORT = 8080;
/** A terminal and npm may both pass on one Ctrl-C. */
const SAME_SIGNAL_MS = 500;
/** On a machine that is busy with the start of everything else. */
const SCHEDULE_WITHIN_MS = 60_000;
/** A service may still be coming up when it is to stop. */
const STOP_WITHIN_MS = 15_000;

const root = resolve(import.meta.dirname, '..');
const localDir = join(root, '.local', 'start');
const envFile = join(localDir, 'client.env');
process.chdir(root);
const say = (line: string) => process.stdout.write(`${line}\n`);
const steps = createSteps(process.stdout);
const stopping = new AbortController();
const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>();
// Not every moment has somebody who waits for it.
interrupted.catch(() => {});

let services: Services | undefined;
let starting: Promise<Services> | undefined;
let sandbox: TwitchSandbox | undefined;
let worker: LocalWorker | undefined;

class Interrupted extends Error {}

let signalledAt = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (Date.now() - signalledAt < SAME_SIGNAL_MS) return;
    const first = signalledAt === 0;
    signalledAt = Date.now();
    if (first) interrupt(new Interrupted());
    else void forceEnd();
  });
}

async function forceEnd(): Promise<void> {
  say('Ending at once.');
  await Promise.allSettled([worker?.kill(), services?.kill()]);
  for (const line of whatGoesOn()) say(line);
  process.exit(130);
}

/** Starts everything and shows events until something ends it. @throws Interrupted, or why it ended */
async function run(): Promise<void> {
  loadDotEnv();
  const plan = planStart(process.env);
  for (const note of plan.notes) say(`Note: ${note}`);
  // The sandbox begins anew each time, and so must what was remembered of it; Twitch goes on, and so does its state.
  const dir = join(localDir, plan.twitch);
  await reapServices(dir);
  if (plan.twitch === 'sandbox') rmSync(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });

  // Ports are chosen beforehand, so that the worker can start while its services do.
  const ports = {
    temporal: await freePort(),
    temporalUi: await freePort(),
    redis: await freePort(),
    rabbitmq: await freePort(),
  };
  const httpPort = Number(
    plan.httpPort ?? ((await isFree(DEFAULT_HTTP_PORT, plan.httpHost)) ? DEFAULT_HTTP_PORT : await freePort()),
  );
  const healthUrl = `http://${plan.httpHost}:${httpPort}/readyz`;
  starting = startServices({
    dir,
    persist: plan.twitch === 'twitch',
    env: plan.given,
    steps,
    ports,
    signal: stopping.signal,
  });
  starting.then((started) => {
    services = started;
  }, interrupt);
  sandbox = plan.twitch === 'sandbox' ? await steps.run('Twitch sandbox', startSandbox) : undefined;

  const clientEnv = {
    ...(plan.given.TEMPORAL_ADDRESS ? {} : await localTemporalSettings(dir, ports)),
    DRAGONFLY_URL: plan.given.DRAGONFLY_URL ?? `redis://127.0.0.1:${ports.redis}`,
    RABBITMQ_URL: plan.given.RABBITMQ_URL ?? `amqp://guest:guest@127.0.0.1:${ports.rabbitmq}`,
    POLL_INTERVAL_SECONDS: plan.pollIntervalSeconds,
    HTTP_PORT: String(httpPort),
    // To sign in on the page: of this start alone, unless there is one.
    ...(process.env.ADMIN_TOKEN?.trim() ? {} : { ADMIN_TOKEN: randomBytes(12).toString('hex') }),
    ...namesGiven(),
    ...sandbox?.settings,
    ...(sandbox ? sandboxTargets(sandbox) : {}),
  };
  const env: NodeJS.ProcessEnv = { ...process.env, ...clientEnv };
  worker = await startWorker({ root, dir: localDir, env, healthUrl });
  const started = worker;
  const cutShort = Promise.race([interrupted, started.died]);
  // What must be installed or built first may take minutes; the worker waits for it, and its limit begins after it.
  const running = await Promise.race([starting, cutShort]);
  await Promise.race([steps.run('Worker', () => started.ready()), cutShort]);

  const watching = watchEvents({
    url: env.RABBITMQ_URL as string,
    prefix: env.RABBITMQ_PREFIX?.trim() ?? '',
    onEvent: (event) => say(eventLine(event, (id) => sandbox?.world.games.get(id)?.name)),
    onState: (words) => {
      if (words.startsWith('watching')) bound.resolve();
      else say(`— ${words}`);
    },
    signal: stopping.signal,
  });
  const ending = Promise.race([interrupted, started.died, watching]);
  await Promise.race([bound.promise, ending]);
  const life = sandbox ? startLife(sandbox) : undefined;
  await Promise.race([steps.run('Schedule', () => applySchedule(env)), ending]);

  await writeFile(envFile, toEnvFile(clientEnv, plan.given), { mode: 0o600 });
  banner(running, env, healthUrl, started.log);
  await ending.finally(() => life?.stop());
}

const bound = Promise.withResolvers<void>();

async function startSandbox(): Promise<TwitchSandbox> {
  const started = await startTwitchSandbox();
  started.world.addChannels(SANDBOX_WATCHED + SANDBOX_OTHERS);
  return started;
}

function applySchedule(env: NodeJS.ProcessEnv): Promise<string> {
  const args = [join('src', 'client.ts'), 'schedule', 'apply'];
  return command(process.execPath, args, env, SCHEDULE_WITHIN_MS);
}

/** Streams come and go: among watched users in any game, and among others in games that are watched too. */
function startLife({ world }: TwitchSandbox) {
  const users = world.users.stored();
  return world.simulate({ users, goLivePerSecond: 0.3, meanMinutesOnAir: 5, changePerSecond: 0.1, liveAtStart: 12 });
}

function sandboxTargets({ world }: TwitchSandbox): Record<string, string> {
  return {
    TARGET_USER_IDS: world.users.stored().slice(0, SANDBOX_WATCHED).join(','),
    TARGET_GAME_IDS: SANDBOX_GAMES.map(([id]) => id).join(','),
  };
}

/** What the installation is called, also for a client that is told by nothing but the file. */
function namesGiven(): Record<string, string> {
  const names = ['INSTANCE', 'RABBITMQ_PREFIX'] as const;
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** The local server, and an empty file in place of the user's own profiles, which are for other servers. */
async function localTemporalSettings(
  dir: string,
  ports: { temporal: number; temporalUi: number },
): Promise<Record<string, string>> {
  const file = join(dir, 'temporal.toml');
  await writeFile(file, '');
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_UI_URL: `http://127.0.0.1:${ports.temporalUi}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: file,
    ...withoutProxyHere(),
  };
}

/** What `npm run client` needs to reach what was started here. What the user gave is not repeated: it may be secret. */
function toEnvFile(settings: Record<string, string>, given: object): string {
  const own = Object.entries(settings).filter(([name]) => !(name in given) && !name.startsWith('TARGET_'));
  return own.map(([name, value]) => `export ${name}='${value}'\n`).join('');
}

function banner(running: Services, env: NodeJS.ProcessEnv, healthUrl: string, log: string): void {
  const lines = [
    [
      'Page',
      `${new URL('/', healthUrl)}  (sign in with ${process.env.ADMIN_TOKEN?.trim() ? 'your ADMIN_TOKEN' : env.ADMIN_TOKEN})`,
    ],
    ['Temporal', running.temporal?.uiUrl ?? running.temporalAddress],
    ['Health', healthUrl],
    ['Twitch', sandbox ? `sandbox at ${sandbox.url}` : 'https://api.twitch.tv'],
    ['Watching', `${describeTargets(env)}, every ${env.POLL_INTERVAL_SECONDS} s`],
    ['Worker log', relative(root, log)],
    ['Client', `. ${relative(root, envFile)} && npm run client -- status`],
    ['Stop', 'Ctrl-C'],
  ];
  say(`\n${lines.map(([name = '', value]) => `  ${name.padEnd(12)}${value}`).join('\n')}\n`);
}

let exitCode = 0;
try {
  await run();
} catch (error) {
  if (error instanceof Interrupted) say('\nStopping; once more to end at once.');
  else {
    exitCode = 1;
    process.stderr.write(`\n✖ ${(error as Error).message}\n`);
  }
} finally {
  stopping.abort();
  await worker?.stop();
  const stopped = starting?.then((started) => started.stop());
  await Promise.race([Promise.allSettled([sandbox?.close(), stopped]), sleep(STOP_WITHIN_MS)]);
  rmSync(envFile, { force: true });
  for (const line of whatGoesOn()) say(line);
}
// Whatever is still being started or stopped ends with this process.
process.exit(exitCode);
