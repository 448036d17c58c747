import pidusage from 'pidusage';

/** The value below which a share `q` (0 to 1) of the values lies; NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

export function mean(values: readonly number[]): number {
  return total(values) / values.length;
}

export function max(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

/** Processor time that a process has used, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  return (await pidusage(pid)).ctime / 1_000;
}

/** Reads a process's resident memory four times a second until it is stopped. */
export class MemorySampler {
  readonly samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const take = async () => this.samples.push((await pidusage(pid)).memory / 2 ** 20);
    // At its last look the process may be gone.
    this.#timer = setInterval(() => take().catch(() => undefined), 250);
  }

  stop(): { meanMiB: number; peakMiB: number } {
    clearInterval(this.#timer);
    return { meanMiB: mean(this.samples), peakMiB: max(this.samples) };
  }
}
