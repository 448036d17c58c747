import type { Client } from '@temporalio/client';
import { within } from '../lib/deadline.ts';
import { shared } from '../lib/shared.ts';
import { TEMPORAL_ANSWER_MS } from '../poll/limits.ts';
import type { RabbitPublisher } from '../publisher/rabbitmq.ts';
import { type Observations, observe } from '../status/observe.ts';
import type { Store } from '../storage/store.ts';
import { inOperatorsWords, isOfStore } from '../storage/storeErrors.ts';

/** How long what was told is told again without asking. */
const AGE_MS = 5_000;

export interface ObservedParts {
  instance: string;
  namespace: string;
  /** `RABBITMQ_PREFIX` */
  prefix: string;
  store: Store;
  /** As it may be shown. */
  storeUrl: string;
  publisher: Pick<RabbitPublisher, 'queueDepths'>;
  /** Undefined while there is no connection. */
  temporal: () => Client | undefined;
}

/**
 * How everything does, over the connections that a worker has: for the page, metrics and alerts together, asked for at most
 * every five seconds and only when somebody wants to know. Never rejects, and answers in bounded time.
 */
export function observedBy(parts: ObservedParts): () => Promise<Observations> {
  const { instance, namespace, prefix, store, storeUrl, publisher, temporal } = parts;
  const read = () =>
    observe({
      instance,
      prefix,
      async withTemporal(work) {
        const client = temporal();
        if (!client) throw new Error('there is no connection to Temporal (TEMPORAL_ADDRESS)');
        return within(
          TEMPORAL_ANSWER_MS,
          client.withDeadline(Date.now() + TEMPORAL_ANSWER_MS, () => work(client, namespace)),
        );
      },
      withStore: (work) => work(store),
      queueDepths: (queues) => publisher.queueDepths(queues),
      describe(error) {
        if (isOfStore(error, store.connection.status)) return inOperatorsWords(storeUrl, error as Error);
        return error instanceof Error ? error.message : String(error);
      },
    });
  return shared(read, AGE_MS);
}
