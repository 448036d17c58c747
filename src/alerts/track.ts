import type { Alert, Severity, Verdict } from './alert.ts';

/** An alert whose condition holds, or did until lately. Plain data: it is kept in the store. */
export interface Trouble {
  /** `pending`: not for long enough yet. `resolved`: over, which is still to be told. */
  state: 'pending' | 'firing' | 'resolved';
  /** Since when the condition has held (Unix ms). */
  sinceMs: number;
  /** What was found, in words. */
  detail: string;
  /** Whether somebody was told that it fires. */
  told: boolean;
  /** Since when the condition has been gone, while it fires or when it is over. */
  goneMs?: number;
}

/** By the alert's name. */
export type Troubles = Readonly<Record<string, Trouble>>;

type Rule = Pick<Alert, 'name' | 'forSeconds'>;

/**
 * What fires after a look at everything. An alert fires when its condition has held for its time, and ends when the condition
 * has been gone for `holdDownMs`: what comes and goes is one alert. What nobody could tell changes nothing.
 *
 * @param verdicts by the alert's name
 */
export function advance(
  troubles: Troubles,
  verdicts: ReadonlyMap<string, Verdict>,
  { nowMs, alerts, holdDownMs }: { nowMs: number; alerts: readonly Rule[]; holdDownMs: number },
): Troubles {
  const next = alerts.flatMap((alert): [string, Trouble][] => {
    const before = Object.hasOwn(troubles, alert.name) ? troubles[alert.name] : undefined;
    const trouble = step(before, verdicts.get(alert.name), nowMs, 1_000 * alert.forSeconds, holdDownMs);
    return trouble ? [[alert.name, trouble]] : [];
  });
  return Object.fromEntries(next);
}

function step(
  before: Trouble | undefined,
  verdict: Verdict,
  nowMs: number,
  forMs: number,
  holdDownMs: number,
): Trouble | undefined {
  if (verdict === undefined) return before;
  if (verdict === false) {
    if (!before || before.state === 'pending') return undefined;
    if (before.state === 'resolved') return before;
    const goneMs = before.goneMs ?? nowMs;
    if (nowMs - goneMs < holdDownMs) return { ...before, goneMs };
    // Nobody has to hear of the end of what nobody has heard of.
    return before.told ? { ...before, state: 'resolved', goneMs } : undefined;
  }
  const { goneMs: _, ...held } = before ?? { state: 'pending' as const, sinceMs: nowMs, told: false };
  const fires = held.state !== 'pending' || nowMs - held.sinceMs >= forMs;
  return { ...held, detail: verdict, state: fires ? 'firing' : 'pending' };
}

/** What somebody has to be told of: that it fires, or that it is over. Of two, the more severe first. */
export function untold(troubles: Troubles, alerts: readonly Alert[]): { alert: Alert; trouble: Trouble }[] {
  const order: Record<Severity, number> = { critical: 0, warning: 1 };
  return alerts
    .flatMap((alert) => {
      const trouble = troubles[alert.name];
      const due = trouble && (trouble.state === 'resolved' || (trouble.state === 'firing' && !trouble.told));
      return due ? [{ alert, trouble }] : [];
    })
    .sort((a, b) => order[a.alert.severity] - order[b.alert.severity]);
}

/** After somebody was told of one. */
export function noteTold(troubles: Troubles, name: string): Troubles {
  const { [name]: trouble, ...others } = troubles;
  if (!trouble || trouble.state === 'resolved') return others;
  return { ...others, [name]: { ...trouble, told: true } };
}

/**
 * Reads what was kept, by this version or another: what is not as it should be is left out, and noticed anew if it is still so.
 */
export function readTroubles(text: string | undefined): Troubles {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  const states = ['pending', 'firing', 'resolved'];
  return Object.fromEntries(
    Object.entries((kept ?? {}) as Record<string, Partial<Trouble> | null>).flatMap(([name, trouble]) => {
      const { state, sinceMs, detail, told, goneMs } = trouble ?? {};
      if (!state || !states.includes(state) || typeof sinceMs !== 'number' || typeof detail !== 'string') return [];
      return [[name, { state, sinceMs, detail, told: told === true, ...(typeof goneMs === 'number' && { goneMs }) }]];
    }),
  );
}

/** A worker's last sign (Unix milliseconds by the store's clock), and what is wrong as it sees it: alert → words. */
export interface Sign {
  worker: string;
  startedMs: number;
  atMs: number;
  findings: Record<string, string>;
}

/**
 * Workers that have been silent for `silentMs` and did not say goodbye: those that are lost, and those that another has
 * replaced by starting after their last sign. The latter have to be forgotten, since their replacement may leave, too.
 */
export function lostAmong(
  signs: readonly Sign[],
  nowMs: number,
  silentMs: number,
): { lost: string[]; replaced: string[] } {
  const byAge = signs.toSorted((a, b) => a.atMs - b.atMs);
  const silent = byAge.filter(({ atMs }) => nowMs - atMs > silentMs);
  const fresh = byAge.filter(({ atMs }) => nowMs - atMs <= silentMs).sort((a, b) => a.startedMs - b.startedMs);
  const found = { lost: [] as string[], replaced: [] as string[] };
  for (const { worker, atMs } of silent) {
    const replacement = fresh.findIndex(({ startedMs }) => startedMs > atMs);
    if (replacement !== -1) fresh.splice(replacement, 1);
    found[replacement === -1 ? 'lost' : 'replaced'].push(worker);
  }
  return found;
}
