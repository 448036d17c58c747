import type { Outcome } from './results.ts';

export interface ScenarioContext {
  /** Smaller numbers and shorter times, to see that everything works. */
  quick: boolean;
  /** For scenarios that can take any time (`outage`): how long, and how much happens. */
  minutes?: number;
  perSecond?: number;
  /** Says what is going on. */
  say(line: string): void;
  /** Has `close` called at the end, whatever happens, the last registered first. */
  defer(close: () => Promise<unknown>): void;
}

export interface Scenario {
  /** One sentence for the results. */
  measures: string;
  /** @throws when the run is broken; a bar that is missed is no error */
  run(context: ScenarioContext): Promise<Outcome>;
}

const closers: (() => Promise<unknown>)[] = [];

/** Closes what the running scenario has opened, the last first. For whoever is told to stop in the middle of one, too. */
export async function closeAll(): Promise<void> {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
}

/** Runs a scenario and closes what it has opened. */
export async function runScenario(scenario: Scenario, options: Omit<ScenarioContext, 'defer'>): Promise<Outcome> {
  try {
    return await scenario.run({ ...options, defer: (close) => closers.push(close) });
  } finally {
    await closeAll();
  }
}
