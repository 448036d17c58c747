import type { Client } from '@temporalio/client';
import { connectClient, readTemporalSettings, type TemporalSettings } from '../temporal.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Runs `work` with a Temporal client and closes it. @throws TemporalUnavailableError, SettingsError */
export async function withTemporal<T>(work: (client: Client, settings: TemporalSettings) => Promise<T>): Promise<T> {
  const settings = readTemporalSettings(process.env);
  const { client, connection } = await connectClient(settings, CONNECT_TIMEOUT_MS);
  try {
    return await work(client, settings);
  } finally {
    await connection.close();
  }
}
