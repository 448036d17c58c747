import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { findOrInstall } from './install.ts';
import { command, findCommand, plainEnvironment } from './process.ts';
import type { SetUpOptions } from './setup/work.ts';

export interface RabbitmqPorts {
  amqp: number;
  /** Between the node and its command-line tool. */
  distribution: number;
  /** The node's own port mapper. */
  epmd: number;
}

export interface RabbitmqProgram {
  server: string;
  ctl: string;
  epmd: string;
}

/** The same for every node: a node is found through its own port mapper, so that names do not meet. */
const NODE_NAME = 'stream-poller@localhost';

/** Finds RabbitMQ, installing Debian's package when there is none and we may. @throws saying what to install */
export function findRabbitmq(options: SetUpOptions = {}): Promise<RabbitmqProgram> {
  const advice =
    'RabbitMQ not found. Install it (Debian, Ubuntu: sudo apt install rabbitmq-server; macOS: brew install rabbitmq) ' +
    'so that rabbitmq-server and epmd are on PATH, or set RABBITMQ_URL to a broker that runs.';
  return findOrInstall(findInstalled, { packageName: 'rabbitmq-server', advice }, options);
}

function findInstalled(): RabbitmqProgram | undefined {
  const onPath = findCommand('rabbitmq-server');
  if (!onPath) return undefined;
  // Debian puts a wrapper on PATH that runs the system's node as its user and refuses everybody but root. What it wraps
  // lies beside it and runs as anyone.
  const real = realpathSync(onPath);
  const bin = dirname(real);
  const server = basename(real) === 'rabbitmq-script-wrapper' ? join(bin, 'rabbitmq-server') : onPath;
  const ctl = existsSync(join(bin, 'rabbitmqctl')) ? join(bin, 'rabbitmqctl') : join(dirname(onPath), 'rabbitmqctl');
  const epmd = findCommand('epmd');
  return epmd && existsSync(ctl) ? { server, ctl, epmd } : undefined;
}

/** The environment in which the node and its tool run: every file and port is the node's own. */
export function rabbitmqEnvironment(dir: string, ports: RabbitmqPorts): NodeJS.ProcessEnv {
  return plainEnvironment({
    // Erlang keeps its cookie there, which lets a node and its tool talk to each other and to nobody else.
    HOME: dir,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: NODE_NAME,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(dir, 'conf.d', '*.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'generated'),
    RABBITMQ_PID_FILE: join(dir, 'node.pid'),
    // The start script then becomes the node instead of waiting beside it, so that signals reach it.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false',
    // The default range has room for 11 calls at once on the whole machine.
    RABBITMQ_CTL_DIST_PORT_MIN: '35672',
    RABBITMQ_CTL_DIST_PORT_MAX: '36671',
  });
}

/** Writes the node's configuration, and `node.json`, from which {@link rabbitmqctl} learns how to reach it. */
export function writeNodeFiles(dir: string, ports: RabbitmqPorts): void {
  mkdirSync(join(dir, 'conf.d'), { recursive: true });
  writeFileSync(join(dir, 'rabbitmq-env.conf'), '');
  writeFileSync(join(dir, 'advanced.config'), '[].\n');
  writeFileSync(join(dir, 'enabled_plugins'), '[].\n');
  writeFileSync(
    join(dir, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
      'log.file = false',
      'log.console = true',
      'log.console.level = info',
      // A quorum queue's log grows to half a gigabyte by default, which a local run never needs.
      'raft.wal_max_size_bytes = 67108864',
      '',
    ].join('\n'),
  );
  const cookie = join(dir, '.erlang.cookie');
  if (!existsSync(cookie)) writeFileSync(cookie, randomBytes(16).toString('hex'));
  chmodSync(cookie, 0o400);
  writeFileSync(join(dir, 'node.json'), JSON.stringify(ports));
}

/**
 * Runs `rabbitmqctl` against the node of a folder, from whichever process, and returns what it printed.
 *
 * @throws with its output when it fails, or takes longer than 30 s
 */
export async function rabbitmqctl(dir: string, ...args: string[]): Promise<string> {
  const { ctl } = await findRabbitmq();
  const home = resolve(dir);
  const ports: RabbitmqPorts = JSON.parse(readFileSync(join(home, 'node.json'), 'utf8'));
  return command(ctl, ['--quiet', ...args], rabbitmqEnvironment(home, ports), 30_000);
}
