import type { Client } from '@temporalio/client';
import { connectClient, readTemporalSettings, type TemporalSettings } from '../temporal/connection.ts';
import { settingsFor } from './settings.ts';

/** The Temporal server, and the name of the installation on it, which is the id of its schedule. */
export interface Place extends TemporalSettings {
  instance: string;
}

/** Runs `work` with a Temporal client and closes it. @throws TemporalUnavailableError, SettingsError */
export async function withTemporal<T>(work: (client: Client, place: Place) => Promise<T>): Promise<T> {
  const { INSTANCE: instance } = settingsFor(['INSTANCE']);
  const settings = readTemporalSettings(process.env);
  const { client, connection } = await connectClient(settings);
  try {
    return await work(client, { ...settings, instance });
  } finally {
    await connection.close();
  }
}
