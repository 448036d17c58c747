import { readSettings, type Settings, SettingsError } from '../config/env.ts';
import { readTemporalSettings, type TemporalSettings } from '../temporal/connection.ts';

/**
 * Reads the worker's own settings and Temporal's.
 *
 * @throws SettingsError with the problems of both
 */
export function readWorkerSettings(env: NodeJS.ProcessEnv): { settings: Settings; temporal: TemporalSettings } {
  const problems: string[] = [];
  const collect = <T>(read: (env: NodeJS.ProcessEnv) => T): T | undefined => {
    try {
      return read(env);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const settings = collect<Settings>(readSettings);
  const temporal = collect(readTemporalSettings);
  if (!settings || !temporal) throw new SettingsError(problems);
  return { settings, temporal };
}
