import type { Dragonfly } from './dragonfly.ts';

/**
 * The store's clock, in Unix milliseconds: the one by which everybody says when a target was added and what is past, since
 * the machines of workers and clients may each have another. A command of its own, because scripts get it as an argument.
 */
export async function storeNowMs(redis: Dragonfly): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
