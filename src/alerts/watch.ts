import { type Backoff, backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { ALERTS as LIMITS } from '../poll/limits.ts';
import type { Alert, Snapshot, Verdict } from './alert.ts';
import { Lead, type Ledger } from './lead.ts';
import type { Notice } from './message.ts';
import { ALERTS, HOLD_DOWN_SECONDS, runbookOf } from './table.ts';
import { advance, lostAmong, noteTold, type Trouble, untold } from './track.ts';
import type { Delivery } from './webhook.ts';

export interface AlertWatchOptions {
  instance: string;
  /** This worker's name among all, never used before. */
  worker: string;
  ledger: Ledger;
  /** What this process knows; of the system, too, if it is asked for all. May take long, and may throw. */
  look: (all: boolean) => Promise<Snapshot>;
  /** Absent: alerts are kept for whoever looks, and sent to nobody. */
  webhook?: { post(notice: Notice): Promise<Delivery> };
  logger: Logger;
  alerts?: readonly Alert[];
  /** How often everything is looked at. */
  everyMs?: number;
  leaseMs?: number;
  holdDownMs?: number;
  /** Without a sign for so long a worker is lost. */
  silentMs?: number;
  retry?: Backoff;
}

/**
 * Judges the table of alerts every few seconds and tells a webhook of what begins and what ends. Every worker judges what only
 * it can know and leaves that in the store; one of them, which holds a lease there, judges for all and tells. While the store
 * is away the last holder goes on by itself. Nothing here throws, and nobody waits for it.
 */
export class AlertWatch {
  readonly #options: Required<Omit<AlertWatchOptions, 'webhook'>> & Pick<AlertWatchOptions, 'webhook'>;
  readonly #lead: Lead;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;
  /** The webhook is left alone until then (milliseconds of a clock that nobody sets). */
  #notBeforeMs = 0;
  #failures = 0;

  constructor(options: AlertWatchOptions) {
    this.#options = {
      alerts: ALERTS,
      everyMs: LIMITS.everyMs,
      leaseMs: LIMITS.leaseMs,
      holdDownMs: 1_000 * HOLD_DOWN_SECONDS,
      silentMs: LIMITS.silentMs,
      retry: LIMITS.retry,
      ...options,
    };
    this.#lead = new Lead(this.#options);
  }

  start(): void {
    const { everyMs, logger } = this.#options;
    const next = () => {
      if (this.#stopped) return;
      this.#looking = this.look()
        .catch((error: unknown) => logger.warn({ err: error }, 'alerts could not be judged'))
        .finally(() => {
          if (!this.#stopped) this.#timer = setTimeout(next, everyMs).unref();
        });
    };
    this.#timer = setTimeout(next, everyMs).unref();
  }

  /** Ends it. In order, another worker takes over at once; else when the lease has run out, as after a crash. */
  async stop({ inOrder = true } = {}): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    if (inOrder) await this.#lead.leave();
  }

  /** Looks at everything once. */
  async look(): Promise<void> {
    const { alerts, look, holdDownMs, leaseMs, silentMs } = this.#options;
    const sinceMs = performance.now();
    const own = judge(alerts, 'process', await look(false));
    const turn = await this.#lead.turn(findingsOf(own));
    if (!turn.leads) {
      for (const [name, trouble] of Object.entries(turn.orphans)) {
        if (await this.#tell(name, trouble)) this.#lead.noteCalledOff(name);
      }
      return;
    }
    const silent = turn.signs && lostAmong(turn.signs, turn.nowMs, silentMs);
    if (silent) await this.#lead.forget(silent.replaced);
    const snapshot: Snapshot = {
      ...(await look(true)),
      nowMs: turn.nowMs,
      ...(silent && { lostWorkers: silent.lost }),
    };
    const others = (turn.signs ?? []).filter(({ atMs }) => turn.nowMs - atMs <= silentMs);
    const verdicts = new Map([...judge(alerts, 'system', snapshot), ...own]);
    for (const { findings } of others) {
      for (const [name, words] of Object.entries(findings)) if (!verdicts.get(name)) verdicts.set(name, words);
    }
    let troubles = advance(turn.troubles, verdicts, { nowMs: turn.nowMs, alerts, holdDownMs });
    this.#lead.keep(troubles);
    for (const { alert, trouble } of untold(troubles, alerts)) {
      // Another worker takes over when a turn takes as long as the lease.
      if (performance.now() - sinceMs > leaseMs / 2 || !(await this.#tell(alert.name, trouble))) break;
      troubles = noteTold(troubles, alert.name);
      this.#lead.keep(troubles);
      await this.#lead.save();
    }
    await this.#lead.save();
  }

  /** @returns whether the webhook has it */
  async #tell(name: string, trouble: Trouble): Promise<boolean> {
    const { alerts, webhook, instance, logger, retry } = this.#options;
    const alert = alerts.find((each) => each.name === name);
    if (!alert) return true;
    if (!webhook || performance.now() < this.#notBeforeMs) return false;
    const resolved = trouble.state === 'resolved';
    const { ok, detail, retryAfterMs } = await webhook.post({
      instance,
      alert: name,
      severity: alert.severity,
      status: resolved ? 'resolved' : 'firing',
      summary: alert.summary,
      detail: trouble.detail,
      advice: alert.advice,
      runbook: runbookOf(name),
      startedMs: trouble.sinceMs,
      ...(resolved && { endedMs: trouble.goneMs ?? Date.now() }),
    });
    if (ok) {
      if (this.#failures > 0) logger.info('alerts reach the webhook again');
      this.#failures = 0;
      return true;
    }
    this.#failures += 1;
    this.#notBeforeMs = performance.now() + (retryAfterMs ?? backoffMs(this.#failures, retry));
    if (this.#failures === 1) {
      logger.warn(
        { alert: name, answer: detail },
        'an alert did not reach the webhook (ALERT_WEBHOOK_URL); it is tried again',
      );
    }
    return false;
  }
}

function judge(alerts: readonly Alert[], scope: 'process' | 'system', snapshot: Snapshot): Map<string, Verdict> {
  return new Map(
    alerts.flatMap(({ name, here }): [string, Verdict][] =>
      here?.scope === scope ? [[name, here.judge(snapshot)]] : [],
    ),
  );
}

function findingsOf(verdicts: ReadonlyMap<string, Verdict>): Record<string, string> {
  return Object.fromEntries([...verdicts].flatMap(([name, words]) => (words ? [[name, words]] : [])));
}
