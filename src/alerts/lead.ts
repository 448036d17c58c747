import { readTroubles, type Sign, type Trouble, type Troubles } from './track.ts';

/** Where workers agree on who tells of alerts: the store. Every call throws while it is away. */
export interface Ledger {
  nowMs(): Promise<number>;
  hold(turn: {
    worker: string;
    leaseMs: number;
    mayTake: boolean;
    troubles?: string;
  }): Promise<{ holder?: string; troubles?: string }>;
  sign(sign: Sign): Promise<Sign[]>;
  forget(workers: readonly string[]): Promise<void>;
}

export type Turn = { nowMs: number } & (
  | { leads: true; troubles: Troubles /** Absent while the store is away. */; signs?: Sign[] }
  /** `orphans`: what this worker told of without the store, and has to call off, since the new holder knows nothing of it. */
  | { leads: false; orphans: Troubles }
);

/** Workers that have been silent for so long are forgotten: nobody replaced them, and nobody will. */
const FORGOTTEN_MS = 3_600_000;

/**
 * Whether this worker is the one that tells of alerts, and what fires.
 *
 * - The holder of the lease tells, and keeps what fires in the store with each turn.
 * - While the store is away the last holder goes on with what it knows, and the others stay silent: they have seen that there
 *   is a holder. Who has not seen any since its start tells after two leases; several such workers tell the same alerts, with
 *   the same fingerprints.
 * - A free lease is taken by who has had an answer of the store for a whole lease: after an outage the last holder, who
 *   may take it at once, comes first and brings what it has told of meanwhile.
 */
export class Lead {
  readonly #options: { worker: string; ledger: Ledger; leaseMs: number };
  #leads = false;
  #troubles: Troubles = {};
  #saved = '';
  #sawHolder = false;
  #startedMs: number | undefined;
  #orphans: Troubles = {};
  /** By how much the store's clock is ahead. */
  #aheadMs = 0;
  #signs: Sign[] | undefined;
  /** Since when the store has answered, or has not (milliseconds of a clock that nobody sets). */
  #store = { answers: false, sinceMs: performance.now() };

  constructor(options: { worker: string; ledger: Ledger; leaseMs: number }) {
    this.#options = options;
  }

  /** Begins a turn: renews or takes the lease, and tells the others what this worker finds. */
  async turn(findings: Record<string, string>): Promise<Turn> {
    const { worker, ledger, leaseMs } = this.#options;
    let nowMs: number;
    let held: { holder?: string; troubles?: string };
    try {
      nowMs = await ledger.nowMs();
      this.#aheadMs = nowMs - Date.now();
      this.#startedMs ??= nowMs;
      this.#signs = await ledger.sign({ worker, startedMs: this.#startedMs, atMs: nowMs, findings });
      this.#note(true);
      const mayTake = this.#leads || performance.now() - this.#store.sinceMs >= leaseMs;
      held = await ledger.hold({ worker, leaseMs, mayTake });
    } catch {
      this.#note(false);
      return this.#withoutStore();
    }
    const kept = readTroubles(held.troubles);
    this.#sawHolder ||= held.holder !== undefined;
    this.#saved = held.troubles ?? '';
    if (held.holder !== worker) {
      if (this.#leads) this.#orphans = orphansAmong(this.#troubles, kept);
      this.#leads = false;
      // A store that came back empty knows less than who has read it before.
      if (held.troubles !== undefined) this.#troubles = kept;
      return { leads: false, nowMs, orphans: this.#orphans };
    }
    if (!this.#leads && held.troubles !== undefined) this.#troubles = kept;
    this.#leads = true;
    const old = this.#signs.filter(({ atMs }) => nowMs - atMs > FORGOTTEN_MS).map((sign) => sign.worker);
    await this.forget(old);
    return { leads: true, nowMs, troubles: this.#troubles, signs: this.#signs };
  }

  /** After an orphan was called off. */
  noteCalledOff(name: string): void {
    const { [name]: _, ...others } = this.#orphans;
    this.#orphans = others;
  }

  /** Notes what fires. */
  keep(troubles: Troubles): void {
    this.#troubles = troubles;
  }

  /** Writes what fires into the store, if it is there and something has changed. */
  async save(): Promise<void> {
    const { worker, ledger, leaseMs } = this.#options;
    const troubles = JSON.stringify(this.#troubles);
    if (troubles === this.#saved || !this.#store.answers) return;
    try {
      const { holder } = await ledger.hold({ worker, leaseMs, mayTake: false, troubles });
      if (holder === worker) this.#saved = troubles;
    } catch {
      this.#note(false);
    }
  }

  /** Forgets workers of which no more signs are expected. */
  async forget(workers: readonly string[]): Promise<void> {
    if (workers.length > 0) await this.#options.ledger.forget(workers).catch(() => undefined);
  }

  /** Says goodbye: nobody looks for this worker, and the next one takes over. */
  async leave(): Promise<void> {
    const { worker, ledger } = this.#options;
    if (!this.#store.answers) return;
    // The shortest lease there is.
    if (this.#leads) await ledger.hold({ worker, leaseMs: 1, mayTake: false }).catch(() => undefined);
    await this.forget([worker]);
    this.#leads = false;
  }

  #withoutStore(): Turn {
    const { leaseMs } = this.#options;
    const nowMs = Date.now() + this.#aheadMs;
    const alone = !this.#sawHolder && performance.now() - this.#store.sinceMs >= 2 * leaseMs;
    if (!this.#leads && !alone) return { leads: false, nowMs, orphans: this.#orphans };
    this.#leads = true;
    return { leads: true, nowMs, troubles: this.#troubles };
  }

  #note(answers: boolean): void {
    if (this.#store.answers !== answers) this.#store = { answers, sinceMs: performance.now() };
  }
}

/** What one worker has told of, and another knows nothing of, as over. */
function orphansAmong(mine: Troubles, kept: Troubles): Troubles {
  return Object.fromEntries(
    Object.entries(mine).flatMap(([name, trouble]): [string, Trouble][] =>
      trouble.told && !Object.hasOwn(kept, name) ? [[name, { ...trouble, state: 'resolved' }]] : [],
    ),
  );
}
