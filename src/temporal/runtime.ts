import { DefaultLogger, IllegalStateError, Runtime } from '@temporalio/worker';
import type { Logger } from '../lib/log.ts';
import { type CoreMetrics, coreMetrics } from './coreMetrics.ts';
import { bridgeTo } from './logBridge.ts';

/** Ports that are tried: another process may take one between our look at it and the core's. */
const ATTEMPTS = 3;

/**
 * The SDK's runtime. All that the SDK, workflows, activities and the native core log goes to `logger`, and signals are left to
 * the caller, who has more to stop than workers.
 */
export class TemporalRuntime {
  readonly #logger: Logger;
  readonly #metrics: () => Promise<CoreMetrics>;
  #read: CoreMetrics['read'] = async () => '';

  constructor(logger: Logger, metrics = coreMetrics) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  /**
   * Installs it, unless that is done: to be called before each attempt to connect. The SDK shuts its runtime down with the last
   * thing that uses it, an attempt that fails included, and would set up another by itself, on a port that may be taken by then.
   */
  async install(): Promise<void> {
    let failure: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const { exporter, read } = await this.#metrics();
        this.#installWith(exporter);
        this.#read = read;
        return;
      } catch (error) {
        if (error instanceof IllegalStateError) return;
        failure = error;
      }
    }
    this.#installWith();
    this.#read = async () => '';
    this.#logger.warn({ err: failure }, "no metrics of Temporal's SDK: it could not open a port of 127.0.0.1 for them");
  }

  /** The metrics of the SDK's core, see {@link CoreMetrics}; empty where it got no port, which is no reason not to work. */
  readMetrics(): Promise<string> {
    return this.#read();
  }

  #installWith(exporter?: CoreMetrics['exporter']): void {
    Runtime.install({
      logger: new DefaultLogger('TRACE', bridgeTo(this.#logger.child({ component: 'temporal' }))),
      shutdownSignals: [],
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(exporter && { metrics: exporter }),
      },
    });
  }
}
