import { type Client, isGrpcServiceError, ScheduleNotFoundError, ServiceError } from '@temporalio/client';
import { Problem } from '../http/api/problem.ts';
import type { ApiSchedule, ScheduleService } from '../http/api/schedule.ts';
import type { ApiTarget, TargetsService } from '../http/api/targetSchemas.ts';
import { LateError, within } from '../lib/deadline.ts';
import { TEMPORAL_ANSWER_MS } from '../poll/limits.ts';
import type { Observations } from '../status/observe.ts';
import type { Store } from '../storage/store.ts';
import { inOperatorsWords, isOfStore } from '../storage/storeErrors.ts';
import { pauseSchedule, resumeSchedule, triggerSchedule } from '../temporal/schedule/actions.ts';
import { readScheduleState } from '../temporal/schedule/state.ts';
import type { TwitchClient } from '../twitch/client.ts';
import { TwitchError } from '../twitch/errors.ts';
import { lookUpIds } from '../twitch/lookUp.ts';
import { outlookOf } from './targetOutlook.ts';

/** What the HTTP API works with, over the parts of a worker. */
export interface ApiParts {
  store: Store;
  twitch: Pick<TwitchClient, 'getUsers' | 'getGames'>;
  /** Undefined while there is no connection. */
  temporal: () => Client | undefined;
  /** The installation's name, which is its schedule's id. */
  instance: string;
  observed: () => Promise<Observations>;
}

const time = (ms: number) => new Date(ms).toISOString();

/** A store that is away is no fault of the request: it may be sent again. */
export function storeProblemOf(
  { store }: Pick<ApiParts, 'store'>,
  shownUrl: string,
): (error: Error) => Problem | undefined {
  return (error) => {
    return isOfStore(error, store.connection.status)
      ? new Problem(503, inOperatorsWords(shownUrl, error), { cause: error })
      : undefined;
  };
}

export function targetsService(parts: ApiParts): TargetsService {
  const { store, twitch } = parts;
  const { targets, streams } = store;
  const service: TargetsService = {
    count: (kind) => targets.count(kind),
    list: (kind, after, limit) => targets.list(kind, after, limit),
    among: (kind, ids) => targets.among(kind, ids),
    labelsOf: (kind, ids) => targets.labels.of(kind, ids),
    liveAmong: async (ids) => new Set((await streams.liveOf(ids)).keys()),
    listRefused: (kind) => targets.refused.ids(kind),
    listGone: async () => (await targets.gone.list()).map(({ id }) => id),
    async add(kind, ids, labels) {
      const added = await targets.add(kind, ids);
      if (labels) await targets.labels.set(kind, ids, labels);
      return added;
    },
    label: (kind, ids, labels) => targets.labels.set(kind, ids, labels),
    remove: (kind, ids) => targets.remove(kind, ids),
    async describe(kind, ids) {
      const addedMs = await targets.addedMs(kind, ids);
      const there = ids.filter((id) => addedMs.has(id));
      const [live, refused, labels, gone] = await Promise.all([
        kind === 'user' ? streams.liveOf(there) : new Map(),
        targets.refused.among(kind, there),
        targets.labels.of(kind, there),
        kind === 'user' ? targets.gone.among(there) : new Map(),
      ]);
      return there.map((id): ApiTarget => {
        const [ms, entry, refusal, user] = [addedMs.get(id), live.get(id), refused.get(id), gone.get(id)];
        return {
          kind,
          id,
          ...(ms !== undefined && { addedAt: time(ms) }),
          ...(labels.has(id) && { labels: labels.get(id) }),
          ...(entry && { live: entry }),
          ...(refusal && {
            refused: { reason: refusal.reason, since: time(refusal.sinceMs), retryAt: time(refusal.retryAtMs) },
          }),
          ...(user && { gone: { since: time(user.sinceMs) } }),
        };
      });
    },
    async detail(kind, id) {
      const [target] = await service.describe(kind, [id]);
      return target && { ...target, ...(await outlookOf(parts, target)) };
    },
    async lookUp(kind, names) {
      try {
        return await lookUpIds(twitch, kind, names);
      } catch (error) {
        if (!(error instanceof TwitchError)) throw error;
        throw new Problem(502, `the names could not be looked up; nothing was changed: ${error.message}`, {
          cause: error,
        });
      }
    },
  };
  return service;
}

export function scheduleService({ temporal, instance }: ApiParts): ScheduleService {
  async function ask<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = temporal();
    if (!client) throw new Problem(503, 'there is no connection to Temporal (TEMPORAL_ADDRESS)');
    try {
      return await within(
        TEMPORAL_ANSWER_MS,
        client.withDeadline(Date.now() + TEMPORAL_ANSWER_MS, () => work(client)),
      );
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) {
        throw new Problem(404, `there is no schedule ${instance}; create it: npm run client -- schedule apply`);
      }
      if (!isGrpcServiceError(error) && !(error instanceof ServiceError) && !(error instanceof LateError)) throw error;
      throw new Problem(503, `Temporal did not answer (TEMPORAL_ADDRESS): ${error.message}`, { cause: error });
    }
  }
  return {
    read: () =>
      ask(async (client): Promise<ApiSchedule> => {
        const {
          lastCompleted,
          counters: _,
          intervalSeconds,
          remainingActions: __,
          ...state
        } = await readScheduleState(client, instance);
        return {
          ...state,
          ...(intervalSeconds !== undefined && { intervalSeconds }),
          lastReport: lastCompleted?.report ?? null,
        };
      }),
    pause: (note) => ask((client) => pauseSchedule(client, note, instance)),
    resume: (note) => ask((client) => resumeSchedule(client, note, instance)),
    trigger: () => ask((client) => triggerSchedule(client, instance)),
  };
}
