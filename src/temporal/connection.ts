import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { SettingsError } from '../config/env.ts';
import { within } from '../lib/deadline.ts';
import { COMMAND_CONNECT_MS } from '../poll/limits.ts';

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';
/** gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

/** Where Temporal is. `connectionOptions` may hold an API key and a client key: it is for connecting, not for printing. */
export interface TemporalSettings {
  /** `host:port`, for messages too. */
  address: string;
  namespace: string;
  connectionOptions: Pick<ClientConnectConfig['connectionOptions'], 'tls' | 'apiKey' | 'metadata'> & {
    address: string;
  };
}

/**
 * Reads Temporal's settings as every Temporal tool does: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`,
 * `TEMPORAL_TLS…`, and the profile in `temporal.toml` that `TEMPORAL_PROFILE` names. An empty variable counts as not set.
 *
 * @throws SettingsError naming the variable, and what is expected of it
 */
export function readTemporalSettings(env: NodeJS.ProcessEnv): TemporalSettings {
  const given: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(env)) {
    // An empty TEMPORAL_GRPC_META_… removes a header that the profile sets.
    if (value.trim() || name.startsWith('TEMPORAL_GRPC_META_')) given[name] = value;
  }
  let config: ClientConnectConfig;
  try {
    config = loadConfig(given);
  } catch (error) {
    const { message } = error as Error;
    const [name] = Object.entries(given).find(
      ([key, value]) => key.endsWith('_PATH') && message.includes(`${value}`),
    ) ?? ['TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE'];
    throw new SettingsError([`${name}: ${message}`]);
  }
  const address = config.connectionOptions.address ?? DEFAULT_ADDRESS;
  if (!/^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/.test(address)) {
    throw new SettingsError([`TEMPORAL_ADDRESS: expected host:port without a scheme, such as ${DEFAULT_ADDRESS}`]);
  }
  const { tls, apiKey, metadata } = config.connectionOptions;
  return {
    address,
    namespace: config.namespace ?? DEFAULT_NAMESPACE,
    connectionOptions: {
      address,
      ...(tls !== undefined && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata }),
    },
  };
}

/** A `temporal.toml` without any profile, an empty one for example, is no mistake; the SDK (1.24) trips over it. */
function loadConfig(env: Record<string, string>): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ overrideEnvVars: env });
  } catch (error) {
    if (!(error instanceof TypeError) || env.TEMPORAL_PROFILE) throw error;
    return loadClientConnectConfig({ overrideEnvVars: env, disableFile: true });
  }
}

/** Temporal can't be reached, or has no such namespace; the message says which setting to look at. */
export class TemporalUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TemporalUnavailableError';
  }
}

function unreachable({ address }: TemporalSettings, cause: unknown): TemporalUnavailableError {
  return new TemporalUnavailableError(`no Temporal server answers at ${address} (TEMPORAL_ADDRESS): ${reason(cause)}`, {
    cause,
  });
}

/** Both kinds of connection wrap what happened several times; what the operating system said is what helps. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const said = [...message.matchAll(/(?:message|error): "([^"]+)"/g)].at(-1)?.[1];
  return said ?? message;
}

/** What a connection needs to be able to do to check the namespace: the client's and the worker's both can. */
type NamespaceReader = Pick<Connection, 'workflowService' | 'withDeadline'>;

/**
 * Asks the server for the namespace: it answers, its own store works, and it knows the namespace. A server that does not
 * let us look (an API key for workers only) passes.
 *
 * @throws TemporalUnavailableError
 */
export async function checkNamespace(
  connection: NamespaceReader,
  settings: TemporalSettings,
  timeoutMs: number,
): Promise<void> {
  const { address, namespace } = settings;
  try {
    // The deadline alone is not enough: a connection that was cut can hold a request beyond it.
    await within(
      timeoutMs,
      connection.withDeadline(Date.now() + timeoutMs, () =>
        connection.workflowService.describeNamespace({ namespace }),
      ),
    );
  } catch (error) {
    const code = isGrpcServiceError(error) ? error.code : undefined;
    if (code === PERMISSION_DENIED || code === UNIMPLEMENTED) return;
    if (code === UNAUTHENTICATED) {
      throw new TemporalUnavailableError(
        `the Temporal server at ${address} refuses our credentials (TEMPORAL_API_KEY, TEMPORAL_TLS_CLIENT_…)`,
        { cause: error },
      );
    }
    if (code !== NOT_FOUND) throw unreachable(settings, error);
    throw new TemporalUnavailableError(
      `the Temporal server at ${address} has no namespace ${namespace} (TEMPORAL_NAMESPACE); ` +
        `create it: temporal operator namespace create --namespace ${namespace} --address ${address}`,
      { cause: error },
    );
  }
}

/**
 * Waits for a connection, of the client's kind or the worker's, and for the server to answer on it.
 *
 * @throws TemporalUnavailableError; the signal's reason
 */
export async function openConnection<C extends NamespaceReader & { close(): Promise<void> }>(
  settings: TemporalSettings,
  connecting: Promise<C>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<C> {
  try {
    const connection = await within(timeoutMs, connecting, { signal });
    await within(timeoutMs, checkNamespace(connection, settings, timeoutMs), { signal });
    return connection;
  } catch (error) {
    // It may still come through when nobody waits for it any more.
    connecting.then((late) => late.close()).catch(() => undefined);
    throw signal?.aborted || error instanceof TemporalUnavailableError ? error : unreachable(settings, error);
  }
}

/**
 * Connects a client, for commands that a person waits for. Close the connection when done.
 *
 * @throws TemporalUnavailableError after `timeoutMs` without an answer, or if the namespace is missing
 */
export async function connectClient(
  settings: TemporalSettings,
  timeoutMs = COMMAND_CONNECT_MS,
): Promise<{ client: Client; connection: Connection }> {
  const connecting = Connection.connect({ ...settings.connectionOptions, connectTimeout: timeoutMs });
  const connection = await openConnection(settings, connecting, timeoutMs);
  return { client: new Client({ connection, namespace: settings.namespace }), connection };
}
