import type { CommandOutcome } from '../../storage/observeCommands.ts';
import { STORE_ERROR_KINDS, storeErrorKind } from '../../storage/storeErrors.ts';
import type { Instruments } from './instruments.ts';

/** Commands that this process sends to the store. */
export function storeMetrics(instruments: Instruments): (outcome: CommandOutcome) => void {
  const durations = instruments.histogram(
    'store_command_duration_seconds',
    'Time from sending a command to the store to its answer, failed ones included; scripts by their names',
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5],
    { command: [] },
  );
  const errors = instruments.counter(
    'store_errors_total',
    'Commands to the store that failed: unavailable (no connection), timeout, full (out of memory), refused, script, other',
    { kind: STORE_ERROR_KINDS },
  );
  return ({ command, ms, error }) => {
    durations.observe({ command }, ms / 1_000);
    if (error) errors.inc({ kind: storeErrorKind(error) });
  };
}
