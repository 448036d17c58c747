import { StorePart } from './part.ts';

/** What a worker tells the others. */
export interface WorkerSign {
  worker: string;
  startedMs: number;
  /** Its last sign (Unix ms), by the store's clock as all times here. */
  atMs: number;
  /** What is wrong as it sees it: alert → words. */
  findings: Record<string, string>;
}

export interface AlertTurn {
  worker: string;
  /** How long the lease holds from now. */
  leaseMs: number;
  /** Whether it may be taken when nobody holds it. */
  mayTake: boolean;
  /** What fires now, as JSON; absent: it is left as it is. Kept only if this worker holds the lease. */
  troubles?: string;
}

/**
 * Who tells of alerts, what fires, and what each worker finds. What fires outlives the worker that told of it, so that the
 * next one neither repeats it nor forgets that it is over.
 */
export class AlertLedger extends StorePart {
  /** Takes, renews or looks at the lease. @returns who holds it, and what was kept */
  async hold({ worker, leaseMs, mayTake, troubles = '' }: AlertTurn): Promise<{ holder?: string; troubles?: string }> {
    const { alertLease, alertTroubles } = this.keys;
    const [holder, kept] = await this.connection.holdAlerts(
      alertLease,
      alertTroubles,
      worker,
      leaseMs,
      mayTake ? 1 : 0,
      troubles,
    );
    return { ...(holder && { holder }), ...(kept && { troubles: kept }) };
  }

  /** Gives a worker's sign. @returns everybody's; one that can't be read, such as another version's, is left out */
  async sign({ worker, ...sign }: WorkerSign): Promise<WorkerSign[]> {
    await this.connection.hset(this.keys.alertSigns, worker, JSON.stringify(sign));
    const all = await this.connection.hgetall(this.keys.alertSigns);
    return Object.entries(all).flatMap(([name, text]) => readSign(name, text));
  }

  /** Takes workers out of the list: this one because it ends in order, others because they have been silent for long. */
  async forget(workers: readonly string[]): Promise<void> {
    if (workers.length > 0) await this.connection.hdel(this.keys.alertSigns, ...workers);
  }

  /** What fires, as JSON, and who told of it last. */
  async read(): Promise<{ holder?: string; troubles?: string }> {
    const [holder, troubles] = await this.connection.mget(this.keys.alertLease, this.keys.alertTroubles);
    return { ...(holder && { holder }), ...(troubles && { troubles }) };
  }
}

function readSign(worker: string, text: string): WorkerSign[] {
  let kept: Record<string, unknown>;
  try {
    kept = Object(JSON.parse(text));
  } catch {
    return [];
  }
  const { startedMs, atMs, findings } = kept;
  if (typeof startedMs !== 'number' || typeof atMs !== 'number') return [];
  const words = Object.entries(Object(findings)).filter(
    (finding): finding is [string, string] => typeof finding[1] === 'string',
  );
  return [{ worker, startedMs, atMs, findings: Object.fromEntries(words) }];
}
