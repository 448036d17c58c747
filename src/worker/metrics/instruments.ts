import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export const PREFIX = 'stream_poller_';

/** Labels of a metric: for each the values that it can have, where that is known beforehand. */
type Labels = Record<string, readonly string[]>;

/** Makes metrics of the project in a registry of their own. Names come without the prefix; units are base units. */
export class Instruments {
  readonly registry = new Registry();

  /** Counts from 0 for every combination of values that is known: the first event is an increase like any other. */
  counter<const L extends Labels>(name: string, help: string, labels: L = {} as L): Counter<keyof L & string> {
    const labelNames = Object.keys(labels) as (keyof L & string)[];
    const counter = new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
    if (labelNames.length > 0) for (const each of combinations(labels)) counter.inc(each, 0);
    return counter;
  }

  /** @param read asked at each scrape; undefined: the metric is absent */
  gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.registry],
      collect() {
        const value = safely(read);
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }

  /** @param buckets upper bounds, in the name's unit */
  histogram<const L extends Labels>(
    name: string,
    help: string,
    buckets: number[],
    labels: L = {} as L,
  ): Histogram<keyof L & string> {
    const labelNames = Object.keys(labels) as (keyof L & string)[];
    const histogram = new Histogram({ name: PREFIX + name, help, labelNames, buckets, registers: [this.registry] });
    if (labelNames.length > 0) for (const each of combinations(labels)) histogram.zero(each);
    return histogram;
  }
}

/** One that can't be read is absent, and leaves the others alone. */
function safely(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function combinations<L extends Labels>(labels: L): Record<keyof L & string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    all = all.flatMap((before) => values.map((value) => ({ ...before, [name]: value })));
  }
  return all as Record<keyof L & string, string>[];
}
