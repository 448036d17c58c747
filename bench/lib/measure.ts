import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The value below which a share `q` (0 to 1) of the values lies; NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function max(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

/** Resident memory of a process in MiB; NaN when it is gone or the system does not tell (it needs Linux). */
export function residentMiB(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib) / 1_024;
  } catch {
    return Number.NaN;
  }
}

let ticksPerSecond: number | undefined;

/** Processor time that a process has used, in seconds; NaN as above. */
export function cpuSeconds(pid: number): number {
  try {
    ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in brackets, may hold spaces: fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** Reads a process's memory four times a second until it is stopped. */
export class MemorySampler {
  readonly samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const take = () => {
      const mib = residentMiB(pid);
      if (Number.isFinite(mib)) this.samples.push(mib);
    };
    take();
    this.#timer = setInterval(take, 250);
  }

  stop(): { meanMiB: number; peakMiB: number } {
    clearInterval(this.#timer);
    return { meanMiB: mean(this.samples), peakMiB: max(this.samples) };
  }
}
