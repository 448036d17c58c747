import { resolve } from 'node:path';
import { ask, untilReady, withFreePorts } from './ports.ts';
import { reapStale, startProcess } from './process.ts';
import { findRabbitmq, type RabbitmqPorts, rabbitmqctl, rabbitmqEnvironment, writeNodeFiles } from './rabbitmq-node.ts';
import { LocalService, type Processes, startServer } from './service.ts';
import type { SetUpOptions } from './setup/work.ts';

export { rabbitmqctl } from './rabbitmq-node.ts';

export interface RabbitmqOptions extends SetUpOptions {
  /** Holds everything of the node: its data is kept over restarts, and over runs in the same folder. */
  dir: string;
  /** Port for AMQP; default: a free one. */
  port?: number;
}

/** A private RabbitMQ node on 127.0.0.1, apart from any that the system runs. It always keeps its data. */
export interface LocalRabbitmq extends LocalService {
  /** The default virtual host, with the user that the node starts with. */
  readonly url: string;
  /** The node's folder: {@link rabbitmqctl} reaches the node through it, from any process. */
  readonly dir: string;
  /** Runs `rabbitmqctl` against this node and returns what it printed. */
  ctl(...args: string[]): Promise<string>;
  /** Makes a virtual host and returns its URL. */
  addVhost(name: string): Promise<string>;
  /** Stops the broker and leaves its Erlang node up: quicker than `stop`, and connections are refused alike. */
  stopApp(): Promise<void>;
  startApp(): Promise<void>;
  closeAllConnections(): Promise<void>;
  /** Raises or clears the memory alarm, which blocks every publisher. */
  setMemoryAlarm(on: boolean): Promise<void>;
}

/** Starts a node of its own for the caller. @throws when RabbitMQ is not installed, or when the node does not come up */
export async function startRabbitmq(options: RabbitmqOptions): Promise<LocalRabbitmq> {
  const program = await findRabbitmq(options);
  const dir = resolve(options.dir);
  await reapStale(dir, 'rabbitmq');
  await reapStale(dir, 'epmd');

  const launch = async (ports: RabbitmqPorts): Promise<Processes> => {
    writeNodeFiles(dir, ports);
    const env = rabbitmqEnvironment(dir, ports);
    // Started here, in the foreground: otherwise the node starts one that stays behind as a daemon.
    const epmdArgs = ['-port', String(ports.epmd), '-address', '127.0.0.1'];
    const epmd = await startProcess({ name: 'epmd', dir, command: program.epmd, args: epmdArgs, env });
    try {
      const isReady = () => speaksAmqp(ports.amqp);
      const what = `RabbitMQ on port ${ports.amqp}`;
      const server = { name: 'rabbitmq', dir, command: program.server, args: [], env, what, isReady };
      return [await startServer(server), epmd];
    } catch (error) {
      await epmd.kill();
      throw error;
    }
  };
  const [ports, processes] = await withFreePorts(3, async ([free = 0, distribution = 0, epmd = 0]) => {
    const chosen = { amqp: options.port ?? free, distribution, epmd };
    return [chosen, await launch(chosen)] as const;
  });
  const ctl = (...args: string[]) => rabbitmqctl(dir, ...args);

  return Object.assign(new LocalService(processes, () => launch(ports)), {
    url: vhostUrl(ports.amqp, ''),
    dir,
    ctl,
    addVhost: (name: string) => addVhost(dir, vhostUrl(ports.amqp, ''), name),
    async stopApp() {
      await ctl('stop_app');
    },
    async startApp() {
      await ctl('start_app');
      await untilReady(() => speaksAmqp(ports.amqp), { what: 'RabbitMQ', timeoutMs: 30_000 });
    },
    async closeAllConnections() {
      await ctl('close_all_connections', '--global', 'closed on purpose');
    },
    async setMemoryAlarm(on: boolean) {
      await ctl('set_vm_memory_high_watermark', on ? '0' : '0.4');
      // The broker looks at its memory a moment later, on a busy machine a long one.
      const said = await ctl('eval', untilAlarm(on));
      if (!said.includes('done')) throw new Error(`the memory alarm is not ${on ? 'raised' : 'cleared'}: ${said}`);
    },
  });
}

/**
 * Makes a virtual host on a local node and lets its user do everything there.
 *
 * @param url any URL of that node
 * @returns the URL of the new virtual host
 */
export async function addVhost(dir: string, url: string, name: string): Promise<string> {
  // One call for both, since each costs half a second.
  const [vhost, user] = [`<<"${safeName(name)}">>`, '<<"guest">>'];
  const everything = '<<".*">>, <<".*">>, <<".*">>';
  await rabbitmqctl(
    dir,
    'eval',
    `rabbit_vhost:add(${vhost}, ${user}),
     rabbit_auth_backend_internal:set_permissions(${user}, ${vhost}, ${everything}, ${user}).`,
  );
  const result = new URL(url);
  result.pathname = `/${encodeURIComponent(name)}`;
  return result.href;
}

/** Deletes virtual hosts of a local node, with all that is in them. */
export async function deleteVhosts(dir: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const list = names.map((name) => `<<"${safeName(name)}">>`).join(', ');
  await rabbitmqctl(dir, 'eval', `[rabbit_vhost:delete(V, <<"guest">>) || V <- [${list}], rabbit_vhost:exists(V)].`);
}

/** An Erlang expression that waits until the memory alarm is there, or gone; `late` after 10 s. */
function untilAlarm(on: boolean): string {
  return `
    Raised = fun() -> [A || {{resource_limit, memory, _}, _} = A <- rabbit_alarm:get_alarms()] =/= [] end,
    Wait = fun Wait(0) -> late; Wait(N) -> case Raised() of ${on} -> done; _ -> timer:sleep(50), Wait(N - 1) end end,
    Wait(200).`;
}

/** Names are written into Erlang terms, where only these characters need no escape. */
function safeName(name: string): string {
  if (!/^[\w./-]+$/.test(name))
    throw new Error(`a virtual host's name has letters, digits, "_", ".", "/" and "-": ${name}`);
  return name;
}

function vhostUrl(port: number, path: string): string {
  return `amqp://guest:guest@127.0.0.1:${port}${path}`;
}

/** The broker listens a moment before it serves: only its greeting (a method frame) proves that it does. */
function speaksAmqp(port: number): Promise<boolean> {
  return ask(port, Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'), (answer) => answer[0] === 1);
}
