import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { startSystem } from '../../sandbox/system.ts';
import { readmeWithTable } from '../../scripts/settingsTable.ts';
import { secretUrl } from '../../src/config/secret.ts';
import { toMessage } from '../../src/publisher/message.ts';
import { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { startProgram } from '../support/program.ts';
import { eventually, freshVhost } from '../support/services.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The code blocks of the README in one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** Paths from the root, each with a slash before it. */
const files = globSync('{*,.ci/*,{bench,docs,sandbox,scripts,src,test}/**/*}', { cwd: ROOT }).map((path) => `/${path}`);
const documents = files.filter((path) => path.endsWith('.md'));
/** A document's headings as links name them. */
const anchors = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

describe('every document', () => {
  for (const path of documents) {
    const text = readFileSync(join(ROOT, path), 'utf8');

    it(`${path.slice(1)} leads to files and headings that there are`, () => {
      for (const [link, file = '', anchor] of text.matchAll(/(?<=\]\()(?!https?:)([^)#]*)(?:#([^)]+))?(?=\))/g)) {
        const target = file ? resolve(ROOT, dirname(path.slice(1)), file) : join(ROOT, path);
        assert.ok(existsSync(target), link);
        if (anchor) assert.ok(anchors(readFileSync(target, 'utf8')).includes(anchor), link);
      }
    });

    it(`${path.slice(1)} names files, suites and npm scripts that there are`, () => {
      // `src/poll`, `docs/operations.md`, and as `npm test -- …` takes them: `storage/liveSet`.
      for (const [, name = '', folder] of text.matchAll(/`(([\w.]+)\/[\w./-]*)`/g)) {
        if (existsSync(join(ROOT, name)) || !files.some((file) => file.includes(`/${folder}/`))) continue;
        assert.ok(!existsSync(join(ROOT, folder ?? '')) && files.some((file) => file.includes(`/${name}`)), name);
      }
      for (const [, name = ''] of text.matchAll(/npm (?:run )?([a-z-]+)(?= --|`|\n)/g)) {
        assert.ok(name in scripts || ['install', 'ci'].includes(name), name);
      }
    });
  }
});

describe('the README', () => {
  it('has every setting with its default (npm run settings-table writes the table)', () => {
    assert.equal(readme, readmeWithTable(readme));
  });

  it('has a consumer that prints the messages of the queue', async () => {
    const [code] = blocks('ts');
    assert.ok(code && code.trim().split('\n').length <= 15);
    const url = await freshVhost();
    const publisher = new RabbitPublisher({
      url: secretUrl(url),
      topology: 'declare',
      logger: pino({ level: 'silent' }),
    });
    publisher.start();
    const event = {
      id: '4711',
      userId: '1',
      userLogin: 'pixelpanda',
      gameId: '2',
      title: 'hello',
      startedAt: '2026-01-01T00:00:00Z',
      reason: 'started' as const,
      detectedAt: '2026-01-01T00:00:01Z',
    };
    await eventually(async () => {
      const { failed } = await publisher.publish([toMessage(event, 'poll')]);
      assert.deepEqual(failed, []);
    });
    // Within the project, so that the example finds amqplib as it would where that is installed.
    const file = join(ROOT, '.local', 'readme', 'consumer.ts');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
    const consumer = startProgram(process.execPath, [file], { env: { ...process.env, RABBITMQ_URL: url } });
    try {
      const expected = /^pixelpanda is live: hello \(stream 4711, started\)$/m;
      await eventually(() => assert.match(consumer.stdout, expected), { message: consumer.stderr });
    } finally {
      consumer.child.kill();
      rmSync(dirname(file), { recursive: true });
      await publisher.close();
    }
  });

  it('has temporal commands that work as printed, and a schedule that polls', { timeout: 90_000 }, async () => {
    const [create, daily] = blocks('sh').filter((block) => block.startsWith('temporal'));
    assert.ok(create && daily);
    const system = await startSystem({ intervalSeconds: 30 });
    try {
      const [userId] = system.sandbox.world.addChannels(1);
      system.env.TARGET_USER_IDS = userId as string;
      system.sandbox.world.goLive({ userId: userId as string });
      await system.startWorker();
      const cliFolder = dirname(system.services.temporal.cli);
      const env = { ...system.env, PATH: `${cliFolder}:${system.env.PATH}` };
      await run('bash', ['-ec', create], { env });
      const commands = daily.trim().split('\n');
      const trigger = commands.find((command) => command.includes('schedule trigger'));
      await run('bash', ['-ec', trigger as string], { env });
      const [report] = await eventually(
        async () => {
          const reports = await system.reports();
          assert.ok(reports.length > 0);
          return reports;
        },
        { timeoutMs: 45_000, intervalMs: 200, message: 'the schedule polls' },
      );
      assert.equal(report?.announced, 1);
      const workflowId = report?.pollId.slice(0, report.pollId.lastIndexOf(':'));
      for (const command of commands) {
        const real = command.replace(/poll-streams-\S+Z/, workflowId as string);
        await assert.doesNotReject(run('bash', ['-ec', real], { env }), command);
      }
    } finally {
      await system.stop();
    }
  });
});
