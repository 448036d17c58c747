import { readSettings, type Settings, settingsSchema } from '../config/env.ts';

/**
 * Reads only the settings that a command uses, so that listing targets works without a Twitch secret, and in spite of a
 * port that is wrong.
 *
 * @throws SettingsError
 */
export function settingsFor<const N extends keyof Settings>(
  names: readonly N[],
  env: NodeJS.ProcessEnv = process.env,
): Pick<Settings, N> {
  const used = Object.fromEntries(names.map((name) => [name, env[name]]));
  const unused = (Object.keys(settingsSchema.shape) as (keyof Settings)[]).filter(
    (name) => !(names as readonly string[]).includes(name),
  );
  return readSettings(used, unused) as Pick<Settings, N>;
}
