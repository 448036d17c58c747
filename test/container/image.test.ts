import assert from 'node:assert/strict';
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DockerfileParser } from 'dockerfile-ast';
import { freePort } from '../../sandbox/services/ports.ts';
import { type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import { type Program, startProgram, temporaryFolder } from '../support/program.ts';
import { eventually, freshVhost, randomPrefix, temporal } from '../support/services.ts';
import { PROJECT, readCompose, service } from './composeFile.ts';
import { type BuiltImage, buildImage, filesOf, ignoredBy } from './image.ts';

const run = promisify(execFile);
const compose = readCompose();

test('the build context is what the Dockerfile copies: no secret, no test, no history', () => {
  const rules = readFileSync(join(PROJECT, '.dockerignore'), 'utf8');
  for (const path of ['.env', 'src/.env', '.git/HEAD', 'test/run.ts', 'node_modules/zod/index.js', '.local/x.log']) {
    assert.equal(ignoredBy(rules, path), true, path);
  }
  for (const path of ['src/worker.ts', 'src/storage/lua/addTargets.lua', 'sandbox/twitch/main.ts', 'package.json']) {
    assert.equal(ignoredBy(rules, path), false, path);
  }
});

test('the base is Node 24 on Debian in every stage', () => {
  const dockerfile = DockerfileParser.parse(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
  const images = dockerfile.getFROMs().map((from) => from.getImage());
  const own = dockerfile.getFROMs().map((from) => from.getBuildStage());
  assert.deepEqual(
    images.filter((image) => !own.includes(image)),
    ['node:24-bookworm-slim', 'node:24-bookworm-slim'],
  );
});

// The image is Linux alone: its build drops what Temporal's core brings for other systems.
describe('built by the steps of the Dockerfile', { skip: process.platform !== 'linux' }, () => {
  const dir = temporaryFolder();
  const started: ChildProcess[] = [];
  let image: BuiltImage;
  let redis: LocalRedis | undefined;
  let env: NodeJS.ProcessEnv;
  let httpPort: number;
  let worker: Program;

  /** Starts a command of the image, and collects what it prints. */
  function start(command: readonly string[], extra: NodeJS.ProcessEnv = {}) {
    const [program = '', ...args] = command;
    const running = startProgram(program, args, { cwd: image.workdir, env: { ...image.env, ...extra } });
    started.push(running.child);
    return running;
  }

  async function probe(path: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${httpPort}${path}`, { signal: AbortSignal.timeout(5_000) });
    return { status: answer.status, text: await answer.text() };
  }

  before(async () => {
    image = await buildImage(PROJECT, dir);
  });

  after(async () => {
    for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
    await redis?.stop();
  });

  test('it holds the sources, the bundle and no development dependency', () => {
    const files = filesOf(image.workdir);
    const folders = new Set(files.map((file) => file.replace(/\/.*/, '')));
    assert.deepEqual([...folders].sort(), ['build', 'package-lock.json', 'package.json', 'sandbox', 'scripts', 'src']);
    assert.ok(files.includes('build/workflows.js'));
    assert.deepEqual(
      files.filter((file) => /\.env|\.test\.ts$|\.log$|sandbox\/(?!twitch)/.test(file)),
      [],
    );

    const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const development = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev);
    assert.ok(development.length > 10);
    for (const [path] of development) assert.equal(existsSync(join(image.workdir, path)), false, path);
  });

  test('it runs as a user of its own; only system packages were left out here', () => {
    assert.equal(image.user, 'node');
    assert.equal(image.skipped.length, 1);
    assert.match(image.skipped[0] as string, /ca-certificates/);
    assert.equal(image.env.NODE_ENV, 'production');
  });

  test('missing settings are told before anything starts', async () => {
    const command = service(compose, 'check-settings').command as string[];
    const none = start(command);
    assert.equal(await none.exited, 1);
    for (const name of ['TWITCH_CLIENT_ID', 'TWITCH_CLIENT_SECRET', 'DRAGONFLY_URL', 'RABBITMQ_URL']) {
      assert.match(none.output, new RegExp(`${name}: is not set`));
    }
    assert.match(none.output, /docker compose up sandbox/);

    const environment = service(compose, 'sandbox-worker').environment ?? {};
    const all = start(
      command,
      Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)])),
    );
    assert.equal(await all.exited, 0, all.output);
  });

  test('worker, sandbox and client run from it, and polls come to an end', async () => {
    const { address, cli } = await temporal();
    const namespace = randomPrefix();
    const plain = { ...image.env, TEMPORAL_CONFIG_FILE: '/dev/null' };
    await run(cli, ['operator', 'namespace', 'create', '--namespace', namespace, '--address', address], { env: plain });
    redis = await startRedis({ dir: join(dir, 'redis') });
    const twitchPort = await freePort();
    httpPort = await freePort();
    const values = Object.entries(service(compose, 'sandbox-worker').environment ?? {});
    env = {
      ...Object.fromEntries(values.map(([name, value]) => [name, String(value)])),
      TEMPORAL_CONFIG_FILE: '/dev/null',
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      DRAGONFLY_URL: redis.url,
      RABBITMQ_URL: await freshVhost(),
      TWITCH_API_URL: `http://127.0.0.1:${twitchPort}/helix`,
      TWITCH_AUTH_URL: `http://127.0.0.1:${twitchPort}/oauth2`,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(httpPort),
      POLL_INTERVAL_SECONDS: '1',
    };

    const sandboxCommand = service(compose, 'twitch-sandbox').command as string[];
    const sandbox = start([...sandboxCommand, `--port=${twitchPort}`, '--host=127.0.0.1']);
    const running = start(image.command, env);
    worker = running;
    await eventually(async () => assert.equal((await probe('/healthz')).status, 200), {
      timeoutMs: 20_000,
      message: `the worker answers; it said\n${running.output}`,
    });
    const scheduled = start(service(compose, 'schedule').command as string[], env);
    assert.equal(await scheduled.exited, 0, scheduled.output);
    await eventually(
      async () => {
        const { status, text } = await probe('/readyz');
        assert.equal(status, 200, text);
      },
      { timeoutMs: 30_000, intervalMs: 200, message: `the worker gets ready; the sandbox said\n${sandbox.output}` },
    );
    assert.doesNotMatch(running.output, /"level":(50|60)/);
  });

  test('the commands that the app prints work in it, without installing anything', async () => {
    const listed = start(['npm', 'run', 'client', '--', 'targets', 'list'], env);
    assert.equal(await listed.exited, 0, listed.output);
    assert.match(listed.output, /100000000/);
    assert.doesNotMatch(listed.output, /Setting up|npm ci/);
  });

  test('its health check is good while the worker runs, and SIGTERM ends it in order', async () => {
    const good = start(image.healthcheck, env);
    assert.equal(await good.exited, 0, good.output);

    worker.child.kill('SIGTERM');
    assert.equal(await worker.exited, 0);

    const bad = start(image.healthcheck, env);
    assert.equal(await bad.exited, 1);
  });
});
