import { EXIT } from '../errors.ts';
import type { Output } from '../output.ts';
import { settingsFor } from '../settings.ts';
import { formatEvent, watchEvents } from './watch.ts';

/** `watch` */
export async function watch(output: Output): Promise<number> {
  const { RABBITMQ_URL: url, RABBITMQ_PREFIX: prefix } = settingsFor(['RABBITMQ_URL', 'RABBITMQ_PREFIX']);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await watchEvents({
      url,
      prefix,
      onEvent: (event) => output.answer(formatEvent(event), event),
      onState: (words) => output.note(`— ${words}`),
      signal: ending.signal,
    });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
  return EXIT.ok;
}
