import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { AlertWatch } from '../../alerts/watch.ts';
import { Webhook } from '../../alerts/webhook.ts';
import type { Settings } from '../../config/env.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../../storage/store.ts';
import { type LookParts, lookAt } from './look.ts';

export interface WorkerAlertsParts extends Omit<LookParts, 'settings' | 'store'> {
  settings: Pick<Settings, 'INSTANCE' | 'POLL_INTERVAL_SECONDS' | 'ALERT_WEBHOOK_URL' | 'ALERT_WEBHOOK_FORMAT'>;
  store: Pick<Store, 'polls' | 'feed' | 'alerts'>;
  logger: Logger;
}

/** This worker's part in telling of alerts; to be started. */
export function workerAlerts({ settings, logger, ...parts }: WorkerAlertsParts): AlertWatch {
  const { INSTANCE: instance, ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_FORMAT: format } = settings;
  return new AlertWatch({
    instance,
    worker: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
    ledger: parts.store.alerts,
    look: lookAt({ ...parts, settings: { intervalSeconds: settings.POLL_INTERVAL_SECONDS } }),
    ...(url && { webhook: new Webhook({ url, format }) }),
    logger: logger.child({ component: 'alerts' }),
  });
}
