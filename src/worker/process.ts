import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Settings } from '../config/env.ts';
import { pollSettingsOf } from '../config/pollSettings.ts';
import { cachedChecks } from '../http/check.ts';
import { type Health, healthz } from '../http/healthz.ts';
import { metricsEndpoint } from '../http/metrics.ts';
import { readyz } from '../http/readyz.ts';
import { createHttpServer, listen } from '../http/server.ts';
import type { Logger } from '../lib/log.ts';
import { BROKER_CLOSE_MS, STORE_START_MS } from '../poll/limits.ts';
import { RabbitPublisher } from '../publisher/rabbitmq.ts';
import { connectStore, waitUntilReady } from '../storage/dragonfly.ts';
import { keyPrefix } from '../storage/keys.ts';
import { SettingsTargets } from '../storage/settingsTargets.ts';
import { storeOn } from '../storage/store.ts';
import type { TemporalSettings } from '../temporal/connection.ts';
import { connectNative } from '../temporal/nativeConnection.ts';
import { TemporalRuntime } from '../temporal/runtime.ts';
import { lastReport, scheduleView } from '../temporal/schedule/view.ts';
import { startWorkers, type TemporalWorkers } from '../temporal/workers.ts';
import { TwitchClient } from '../twitch/client.ts';
import { workerAlerts } from './alerts/index.ts';
import { countReturned, LastTenMinutes } from './alerts/recent.ts';
import { pollCheck } from './checks/polls.ts';
import { rabbitmqCheck, storeCheck, temporalCheck, twitchCheck } from './checks/services.ts';
import { targetsCheck } from './checks/targets.ts';
import { Metrics, type MetricsSources } from './metrics/index.ts';
import { noteProgress } from './noteProgress.ts';
import { observedBy } from './observed.ts';
import { PollEnds } from './pollEnds.ts';
import { closing, type Stop } from './stop.ts';
import { tellProblems } from './tellProblems.ts';
import { web } from './web.ts';

export interface ProcessOptions {
  settings: Settings;
  temporal: TemporalSettings;
  /** File of a bundle made by `bundleWorkflowCode`; without one the workflows are bundled at the start. */
  workflowBundle?: string | undefined;
  logger: Logger;
  stop: Stop;
}

/** What the process is made of besides Temporal and HTTP. Nothing is waited for: each connects when it can. */
function createParts(settings: Settings, metrics: Metrics, logger: Logger) {
  const { onCommand } = metrics;
  const store = storeOn(connectStore({ url: settings.DRAGONFLY_URL, onCommand, logger }), keyPrefix(settings.INSTANCE));
  const list = { user: settings.TARGET_USER_IDS, game: settings.TARGET_GAME_IDS };
  return {
    store,
    settingsTargets: new SettingsTargets({ store, list, logger }),
    publisher: new RabbitPublisher({
      url: settings.RABBITMQ_URL,
      topology: settings.RABBITMQ_TOPOLOGY,
      prefix: settings.RABBITMQ_PREFIX,
      observer: metrics.publisher,
      logger,
    }),
    twitch: new TwitchClient({
      clientId: settings.TWITCH_CLIENT_ID,
      clientSecret: settings.TWITCH_CLIENT_SECRET,
      apiUrl: settings.TWITCH_API_URL,
      authUrl: settings.TWITCH_AUTH_URL,
      validateTtlSeconds: settings.TWITCH_VALIDATE_TTL_SECONDS,
      observer: metrics.twitch,
      logger,
    }),
  };
}

/**
 * Runs the worker process until it is told to stop or fails, and leaves nothing open. HTTP is served from the first
 * moment, so that the probes answer while services are waited for. RabbitMQ is not waited for: polls go on without it, and
 * what they find is delivered when it is there.
 *
 * @returns the exit code: 0 after a stop that let everything in hand finish
 */
export async function runProcess(options: ProcessOptions): Promise<number> {
  const { settings, temporal, workflowBundle, logger, stop } = options;
  const { INSTANCE: instance } = settings;
  const pollSettings = pollSettingsOf(settings);
  const runtime = new TemporalRuntime(logger);
  const metrics = new Metrics((): MetricsSources => sources);
  const { store, settingsTargets, publisher, twitch } = createParts(settings, metrics, logger);
  let connection: NativeConnection | undefined;
  let client: Client | undefined;
  let workers: TemporalWorkers | undefined;
  let waiting: string | undefined;
  let failed = false;

  const states = () => workers?.states() ?? {};
  const health = (): Health => {
    const state =
      failed || workers?.failed ? 'failed' : stop.signal.aborted ? 'stopping' : workers ? 'running' : 'starting';
    return { state, workers: states() };
  };
  const pollEnds = new PollEnds({
    temporal: () => client,
    metrics: metrics.polls,
    // For people to look at: nobody waits for it.
    onReport: (report) => {
      void store.polls.keepReport(report).catch(() => undefined);
      store.series.notePoll(report);
    },
    onUntoldEnd: () => store.series.noteFailedPoll(),
    logger,
  });
  const app = createHttpServer(logger);
  await app.register(healthz, { health });
  await app.register(metricsEndpoint, { exposition: metrics });
  const checks = cachedChecks({
    temporal: temporalCheck(temporal, { connection: () => connection, workers: states, waiting: () => waiting }),
    dragonfly: storeCheck(store.connection, settings.DRAGONFLY_URL),
    rabbitmq: rabbitmqCheck(publisher, settings.RABBITMQ_URL),
    twitch: twitchCheck(twitch),
    targets: targetsCheck(store.polls, pollSettings),
    polls: pollCheck({
      polls: store.polls,
      schedule: scheduleView(() => client, instance),
      settings: pollSettings,
    }),
  });
  await app.register(readyz, { stopping: () => stop.signal.aborted || failed, checks });
  const observed = observedBy({
    instance,
    namespace: temporal.namespace,
    prefix: settings.RABBITMQ_PREFIX,
    store,
    storeUrl: String(settings.DRAGONFLY_URL),
    publisher,
    temporal: () => client,
  });
  const sources: MetricsSources = {
    settings: pollSettings,
    store,
    twitch,
    publisher,
    observed,
    core: () => runtime.readMetrics(),
    ready: async (service) => (await checks())[service].ok,
  };
  const returned = new LastTenMinutes();
  const alerts = workerAlerts({ settings, store, twitch, publisher, returned, checks, observed, logger });
  await app.register(web, {
    settings,
    namespace: temporal.namespace,
    parts: { store, twitch, temporal: () => client, instance, observed },
    checks,
    logger,
  });

  let stopTelling: (() => void) | undefined;
  try {
    const url = await listen(app, settings.HTTP_HOST, settings.HTTP_PORT);
    logger.info({ url }, `serving HTTP at ${url}; ${url}/readyz tells what is missing`);
    publisher.start();
    alerts.start();
    [connection] = await Promise.all([
      connectNative(temporal, {
        logger,
        signal: stop.signal,
        prepare: () => runtime.install(),
        onWait: (reason) => {
          waiting = reason;
        },
      }),
      Promise.race([waitUntilReady(store.connection, STORE_START_MS), stop.requested]),
    ]);
    stopTelling = tellProblems(observed, logger);
    client = new Client({ connection, namespace: temporal.namespace });
    settingsTargets.start();
    const activities = createActivities({
      settings: pollSettings,
      ...store,
      feed: {
        note(state, events) {
          metrics.onEvents(state, events);
          return store.feed.note(state, events);
        },
      },
      settingsTargets,
      twitch,
      publisher: countReturned(publisher, returned),
      lastReport: async () => client && lastReport(client, instance),
    });
    workers = await startWorkers({
      connection,
      namespace: temporal.namespace,
      instance,
      activities: noteProgress(activities, { ...store, onPage: metrics.polls.onPage }),
      requestsPerMinute: pollSettings.requestsPerMinute,
      workflowBundle,
      sinks: pollEnds.sinks,
      logger,
    });
    stop.signal.addEventListener('abort', workers.shutdown);
    if (stop.signal.aborted) workers.shutdown();
    else logger.info({ queues: Object.keys(states()) }, 'workers are running');
    await workers.done;
  } catch (error) {
    if (!stop.signal.aborted || workers) {
      failed = true;
      logger.fatal({ err: error }, `the worker process ends: ${(error as Error).message}`);
    }
  }

  stopTelling?.();
  pollEnds.stop();
  settingsTargets.stop();
  const close = closing(logger);
  const closeStore = async () => {
    await store.series.flush();
    if (store.connection.status === 'ready') await store.connection.quit();
    store.connection.disconnect();
  };
  await Promise.all([
    close('RabbitMQ', () => publisher.close(), BROKER_CLOSE_MS),
    // Alerts say goodbye in the store.
    close('alerts', () => alerts.stop()).then(() => close('the store', closeStore)),
    close('Twitch', () => twitch.close()),
  ]);
  await Promise.all([close('HTTP', () => app.close()), close('Temporal', () => connection?.close())]);
  return failed ? 1 : 0;
}
