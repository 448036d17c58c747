import { freshVhost } from '../support/services.ts';
import { publisherSuite } from './suite.ts';

publisherSuite('RabbitMQ', async () => {
  const url = await freshVhost();
  return { url, directUrl: url };
});
