import { DEAD_EXCHANGE, DEAD_QUEUE, EXCHANGE, QUEUE } from '../../src/publisher/topology.ts';
import { freshVhost } from '../support/services.ts';
import { publisherSuite } from './suite.ts';
import { openChannel } from './support.ts';

publisherSuite('RabbitMQ', async () => {
  const url = await freshVhost();
  return { url, directUrl: url };
});

// Another broker, for example RabbitMQ 4: a virtual host of which everything that the tests use is deleted.
const { RABBITMQ4_URL: url } = process.env;
if (url) {
  const emptied = async (t: Parameters<typeof openChannel>[0]) => {
    const channel = await openChannel(t, url);
    for (const queue of [QUEUE, DEAD_QUEUE, 'mine']) await channel.deleteQueue(queue);
    for (const exchange of [EXCHANGE, DEAD_EXCHANGE]) await channel.deleteExchange(exchange);
    return { url, directUrl: url };
  };
  publisherSuite('the broker at RABBITMQ4_URL', emptied, { concurrency: 1 });
}
