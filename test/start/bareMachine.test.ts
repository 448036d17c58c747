import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { findCommand } from '../../sandbox/services/process.ts';
import { findRabbitmq } from '../../sandbox/services/rabbitmq-node.ts';
import { findRedis } from '../../sandbox/services/redis.ts';
import { processesOf } from '../support/processes.ts';
import { temporal } from '../support/services.ts';
import { bareMachine } from './bareMachine.ts';

/** Longer than every limit that a start has: the worker's, each service's, the client's. */
const SLOW_SECONDS = 130;
const START_MS = 60_000;
const AN_EVENT = /^\d\d:\d\d:\d\d {2}● /m;

const REDIS = ['redis-server', 'valkey-server', 'dragonfly'];
/** Written while a package is installed. */
const POLICY = '/usr/sbin/policy-rc.d';

const linux = process.platform === 'linux' ? {} : { skip: 'it looks for processes in /proc' };
const root = process.getuid?.() === 0 ? linux : { skip: 'packages are installed as root alone' };

/** Prints what `go install -v` prints, for so many seconds, and is done. */
const slowGo = (seconds: number, cli: string) => `echo run >> "$HOME/go-runs"
i=0
while [ $i -lt ${seconds} ]; do i=$((i+1)); echo "example.com/package/n$i" >&2; sleep 1; done
ln -s "${cli}" "$GOBIN/temporal"`;

describe('npm start on a bare machine', { concurrency: true }, () => {
  it('builds the Temporal CLI for as long as it takes, says how far it is, and then shows events', linux, async (t) => {
    const { cli } = await temporal();
    const machine = bareMachine(t, ['temporal', 'go']);
    machine.standIn('go', slowGo(SLOW_SECONDS, cli));
    const start = await machine.start();
    await start.prints(/Temporal: building the Temporal CLI with Go: \d+ of about/, START_MS);
    await start.prints(AN_EVENT, SLOW_SECONDS * 1_000 + START_MS);
    const [, built] = /✔ Temporal {2}([\d.]+) s/.exec(start.output()) ?? [];
    assert.ok(Number(built) >= SLOW_SECONDS, `Temporal took ${built} s`);
    await start.interrupt();
    assert.deepEqual(processesOf(dirname(machine.bin)), []);
  });

  it('installs Redis and RabbitMQ for as long as it takes, and then shows events', root, async (t) => {
    const [redis, rabbitmq] = [await findRedis(), await findRabbitmq()];
    const { cli } = await temporal();
    const machine = bareMachine(t, ['temporal', ...REDIS, 'rabbitmq-server', 'rabbitmqctl', 'epmd', 'apt-get']);
    // Where the tests had to fetch it themselves it is on nobody's PATH.
    symlinkSync(cli, join(machine.bin, 'temporal'));
    const links = (...files: string[]) => files.map((file) => `ln -s "${file}" "${join(machine.bin, basename(file))}"`);
    const hadPolicy = existsSync(POLICY);
    const server = findCommand('rabbitmq-server') as string;
    machine.standIn(
      'apt-get',
      `case "$*" in *update) sleep 2; exit;; esac
sleep ${SLOW_SECONDS / 2}
case "$*" in
*redis-server) ${links(redis.path).join('; ')};;
*rabbitmq-server) ${links(server, rabbitmq.epmd).join('; ')};;
esac`,
    );
    const start = await machine.start();
    await start.prints(/Redis: installing Debian's .*apt-get install/, START_MS);
    await start.prints(AN_EVENT, SLOW_SECONDS * 1_000 + START_MS);
    await start.interrupt();
    assert.deepEqual(processesOf(dirname(machine.bin)), []);
    assert.equal(existsSync(POLICY), hadPolicy);
  });

  it('goes on with the build after Ctrl-C, and a second start joins it', linux, async (t) => {
    const { cli } = await temporal();
    const machine = bareMachine(t, ['temporal', 'go']);
    machine.standIn('go', slowGo(30, cli));
    const first = await machine.start();
    await first.prints(/Temporal: building/, START_MS);
    const tookMs = await first.interrupt();
    assert.ok(tookMs < 10_000, `Ctrl-C took ${tookMs} ms`);
    assert.match(first.output(), /fetching the Temporal CLI goes on in the background.*kill -- -\d+/);

    const second = await machine.start();
    await second.prints(AN_EVENT, START_MS + 30_000);
    assert.equal(readFileSync(join(dirname(machine.bin), 'go-runs'), 'utf8'), 'run\n');
    await second.interrupt();
    assert.deepEqual(processesOf(dirname(machine.bin)), []);
  });
});
