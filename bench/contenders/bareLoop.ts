/** The same steps without Temporal, one after the other in one process: what a crash interrupts is lost or repeated. */
import { pino } from 'pino';
import { Secret, secretUrl } from '../../src/config/secret.ts';
import { toMessage } from '../../src/publisher/message.ts';
import { RabbitPublisher } from '../../src/publisher/rabbitmq.ts';
import { connectStore, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { storeOn } from '../../src/storage/store.ts';
import { TwitchClient } from '../../src/twitch/client.ts';
import { given, pollUntilStopped } from './contender.ts';

const logger = pino({ level: 'warn' });
const connection = connectStore({ url: new Secret(given('DRAGONFLY_URL')), logger });
await waitUntilReady(connection, 5_000);
const { polls, streams, targets } = storeOn(connection, 'bare-loop:');
const publisher = new RabbitPublisher({ url: secretUrl(given('RABBITMQ_URL')), topology: 'declare', logger });
publisher.start();
const twitch = new TwitchClient({
  clientId: given('TWITCH_CLIENT_ID'),
  clientSecret: new Secret(given('TWITCH_CLIENT_SECRET')),
  apiUrl: given('TWITCH_API_URL'),
  authUrl: given('TWITCH_AUTH_URL'),
  validateTtlSeconds: 1,
  logger,
});
const ids = given('USER_IDS').split(',');
await targets.add('user', ids, 0, 0);
const never = new AbortController().signal;
let count = 0;

await pollUntilStopped(Number(given('INTERVAL_MS')), async (found) => {
  const opening = { id: `bare-loop:${count++}`, startedMs: Date.now() };
  const { no } = await polls.open(opening, { pollMs: 0, completeMs: 0 }, Date.now());
  const poll = { ...opening, no };
  const answer = await twitch.getStreams({ kind: 'user', ids }, never);
  const diff = await streams.diff({
    poll,
    owner: poll.id,
    streams: answer.streams.map((stream) => ({ ...stream, kind: 'user', startedMs: Date.parse(stream.startedAt) })),
    complete: { users: ids, games: [] },
    lastCompleteMs: 0,
    hotUntilMs: 0,
    firstSight: 'announce',
    offlineAfterMisses: 2,
    nowMs: Date.now(),
    claimBytes: Number.MAX_SAFE_INTEGER,
  });
  if (diff.lost || diff.events.length === 0) return;
  const { confirmed } = await publisher.publish(diff.events.map((event) => toMessage(event, poll.id)));
  for (const id of confirmed) found(id);
  await streams.markAnnounced(confirmed);
});
