import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from '../lib/log.ts';
import { LIST_KEPT_MS, LIST_SIGN_MS, LIST_SILENT_MS } from '../poll/limits.ts';
import type { TargetKind } from '../poll/model.ts';
import type { Store } from './store.ts';

/** What a worker's settings name: `TARGET_USER_IDS` and `TARGET_GAME_IDS`. */
export type TargetList = Record<TargetKind, readonly string[]>;

interface KeptList extends TargetList {
  /** A worker that has it: host and process id. */
  worker: string;
  /** Whether that worker, or another with the same list, runs. */
  running: boolean;
}

/** The lists that are kept. A fingerprint without a list is forgotten on the way. */
async function readLists({ connection, keys }: Store): Promise<KeptList[]> {
  const fingerprints = await connection.smembers(keys.lists);
  const lists = await Promise.all(
    fingerprints.map(async (fingerprint) => {
      const [text, leftMs] = await Promise.all([
        connection.get(keys.list(fingerprint)),
        connection.pttl(keys.list(fingerprint)),
      ]);
      if (text === null) await connection.srem(keys.lists, fingerprint);
      return text === null
        ? []
        : [{ ...JSON.parse(text), running: leftMs > LIST_KEPT_MS - LIST_SILENT_MS } as KeptList];
    }),
  );
  return lists.flat();
}

/** How the lists of workers that run differ from each other. */
export interface ListsDiffer {
  workers: string[];
  /** Ids that some of them name and others do not. */
  ids: Record<TargetKind, string[]>;
}

/** Compares the lists of the workers that run; undefined when all have the same, or none runs. */
export async function compareLists(store: Store): Promise<ListsDiffer | undefined> {
  return differ(await readLists(store));
}

function differ(lists: readonly KeptList[]): ListsDiffer | undefined {
  const running = lists.filter((list) => list.running);
  const notInAll = (kind: TargetKind) => {
    const sets = running.map((list) => new Set(list[kind]));
    const all = new Set(running.flatMap((list) => list[kind]));
    return [...all].filter((id) => !sets.every((set) => set.has(id)));
  };
  const ids = { user: notInAll('user'), game: notInAll('game') };
  if (ids.user.length + ids.game.length === 0) return undefined;
  return { workers: running.map(({ worker }) => worker), ids };
}

export interface SettingsTargetsOptions {
  store: Store;
  list: TargetList;
  logger: Logger;
  /** For tests: a clock that nobody sets back, in milliseconds. */
  elapsedMs?: () => number;
}

/**
 * The targets that the settings name, as one source beside the client. Each worker keeps its list in the store for as long as it
 * runs, and wanted is what any of these lists names: workers whose lists differ, as in the middle of a deployment, do not
 * undo each other.
 */
export class SettingsTargets {
  readonly #options: Required<SettingsTargetsOptions>;
  readonly #key: string;
  readonly #fingerprint: string;
  readonly #text: string;
  /** Since when this worker has kept its list without a gap, so that any other worker must have kept its own too. */
  #keptSinceMs: number | undefined;
  #warned = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SettingsTargetsOptions) {
    this.#options = { elapsedMs: () => performance.now(), ...options };
    const user = [...options.list.user].sort();
    const game = [...options.list.game].sort();
    this.#fingerprint = createHash('sha256')
      .update(JSON.stringify([user, game]))
      .digest('hex');
    this.#key = options.store.keys.list(this.#fingerprint);
    this.#text = JSON.stringify({ user, game, worker: `${hostname()}:${process.pid}` });
  }

  /** Keeps the list in the store from now on, until {@link stop}. */
  start(): void {
    // A store that is away is told by the check of its own, and the next sign makes up for one that is missing.
    const sign = () => this.sign().catch(() => undefined);
    void sign();
    this.#timer = setInterval(sign, LIST_SIGN_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One sign that this worker runs, with its list. Warns when another one has other targets. Returns all that are kept. */
  async sign(): Promise<TargetList[]> {
    const { store, elapsedMs } = this.#options;
    const { connection, keys } = store;
    const leftMs = await connection.pttl(this.#key);
    // Whatever kept this worker from its sign (the store was away, the process or the machine stood still) kept others.
    if (this.#keptSinceMs === undefined || leftMs < LIST_KEPT_MS / 2) this.#keptSinceMs = elapsedMs();
    if (leftMs < LIST_KEPT_MS / 2) await connection.set(this.#key, this.#text, 'PX', LIST_KEPT_MS);
    else await connection.pexpire(this.#key, LIST_KEPT_MS);
    await connection.sadd(keys.lists, this.#fingerprint);
    const lists = await readLists(store);
    this.#warn(differ(lists));
    return lists;
  }

  /**
   * Adds what the lists name and removes what none of them has named for ten minutes, unless the client did otherwise. To be
   * called when a poll opens; level-triggered, so that whatever an earlier call left undone is done by the next.
   *
   * @param lost the store came back empty: what is added was watched before, and its streams are no first sight
   */
  async apply(lost: boolean): Promise<void> {
    const { store, logger, elapsedMs } = this.#options;
    const { targets } = store;
    const lists = await this.sign();
    const mayRemove = elapsedMs() - (this.#keptSinceMs ?? Number.POSITIVE_INFINITY) >= LIST_KEPT_MS;
    for (const kind of ['user', 'game'] as const) {
      const wanted = new Set(lists.flatMap((list) => list[kind]));
      const named = await targets.named(kind);
      const missing = [...wanted].filter((id) => !named.has(id) || named.get(id) === 'adding');
      const added = await targets.add(kind, missing, lost ? 0 : undefined, undefined, 'settings');
      const left = mayRemove ? [...named.keys()].filter((id) => !wanted.has(id)) : [];
      const removed = await targets.remove(kind, left, 'settings');
      if (added > 0) logger.info({ kind, added }, 'targets added that the settings name');
      if (removed > 0) logger.info({ kind, removed }, 'targets removed that the settings name no longer');
    }
  }

  #warn(found: ListsDiffer | undefined): void {
    const words = found ? JSON.stringify(found.ids) : '';
    if (found && words !== this.#warned) {
      const { user, game } = found.ids;
      this.#options.logger.warn(
        { workers: found.workers, users: user.slice(0, 20), games: game.slice(0, 20) },
        'TARGET_USER_IDS or TARGET_GAME_IDS differ between workers: all are watched; give every worker the same',
      );
    }
    this.#warned = words;
  }
}
