import type { ApiSlot, SeriesService } from '../http/api/series.ts';
import { SERIES, type Series, type Slot } from '../storage/series.ts';

/** Less of a slot than this says nothing of how much of the budget is used. */
const LEAST_MS = 60_000;

/** @param requestsPerMinute the request budget */
export function seriesService(series: Series, requestsPerMinute: number): SeriesService {
  return {
    async read(range) {
      const { slotSeconds, slots: mostSlots } = SERIES[range];
      const { nowMs, slots } = await series.read(range);
      const shown = slots.map((slot) => {
        // The newest goes on.
        const ms = Math.min(slotSeconds * 1_000, Math.max(LEAST_MS, nowMs - slot.atMs));
        return show(slot, (requestsPerMinute * ms) / 60_000);
      });
      return { now: new Date(nowMs).toISOString(), slotSeconds, mostSlots, slots: shown };
    },
  };
}

function show(slot: Slot, budget: number): ApiSlot {
  const { atMs, polls, partialPolls, failedPolls, requests, live, liveMost, targets, announced } = slot;
  return {
    at: new Date(atMs).toISOString(),
    polls,
    partialPolls,
    failedPolls,
    requests,
    budgetPercent: Math.round((1_000 * requests) / budget) / 10,
    // Without a poll that told, nothing is known.
    ...(live !== undefined && { live, liveMost }),
    ...(targets !== undefined && { targets }),
    announced,
    ...durations('lag', slot.lagCount, slot.lagMs, slot.lagMostMs),
    ...durations('delivery', slot.deliveryCount, slot.deliveryMs, slot.deliveryMostMs),
  };
}

function durations(name: 'lag' | 'delivery', count: number, ms: number, mostMs: number) {
  if (count === 0) return undefined;
  return { [name]: { count, meanSeconds: Math.round(ms / count) / 1_000, mostSeconds: mostMs / 1_000 } };
}
