import type { Services } from '../../sandbox/services/index.ts';

/** The variables by which `test/run.ts` tells test files which services they share. */
export function sharedEnvironment(services: Services): NodeJS.ProcessEnv {
  return {
    TEST_TEMPORAL_ADDRESS: services.temporalAddress,
    TEST_REDIS_URL: services.redisUrl,
    TEST_RABBITMQ_URL: services.rabbitmqUrl,
    ...(services.temporal ? { TEST_TEMPORAL_CLI: services.temporal.cli } : {}),
    ...(services.rabbitmq ? { TEST_RABBITMQ_DIR: services.rabbitmq.dir } : {}),
  };
}
