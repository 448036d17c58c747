/** `@twurple/api` as its documentation shows it: asks for the same ids and notes which streams it is told of. */
import { ApiClient } from '@twurple/api';
import { AppTokenAuthProvider } from '@twurple/auth';
import { given, pollUntilStopped } from './contender.ts';

const authProvider = new AppTokenAuthProvider(given('TWITCH_CLIENT_ID'), given('TWITCH_CLIENT_SECRET'));
const api = new ApiClient({ authProvider });
const ids = given('USER_IDS').split(',');

await pollUntilStopped(Number(given('INTERVAL_MS')), async (found) => {
  for (const stream of await api.streams.getStreamsByUserIds(ids)) found(stream.id);
});
