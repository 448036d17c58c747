import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { type System, startSystem } from '../../sandbox/system.ts';
import { Random } from '../../sandbox/twitch/random.ts';
import { Mailbox } from '../support/mailbox.ts';
import { castWorld, startCrowd } from './cast.ts';
import type { FaultRecord, Stage } from './fault.ts';
import { Fleet } from './fleet.ts';
import type { Evidence } from './ledger/evidence.ts';
import { judge } from './ledger/judge.ts';
import { isWholeWalk, PollLog, type PollRecord } from './ledger/polls.ts';
import { Staged } from './ledger/staged.ts';
import { Truth } from './ledger/truth.ts';
import type { Verdict } from './ledger/verdict.ts';
import { Life } from './life.ts';
import type { Planned, Wave } from './plan.ts';

export interface CampaignOptions {
  seed: number;
  waves: readonly Wave[];
  /** Life goes on after the last fault until there are so many. */
  goLives: number;
  goLivesPerSecond: number;
  firstSight: Evidence['firstSight'];
  /** Pause before each wave: up to so many milliseconds. */
  pauseMs: number;
  /** Told what happens, line by line. */
  say: (line: string) => void;
  /** Told of the system, for whoever may have to end it before the run is over. */
  onStart?: (system: System) => void;
}

export interface CampaignResult {
  seed: number;
  firstSight: Evidence['firstSight'];
  seconds: number;
  evidence: Evidence;
  verdict: Verdict;
  /** Workers that ended although nobody told them to. */
  deaths: string[];
  /** Promises that were broken before the eyes of a fault. */
  complaints: string[];
  /** Polls that neither completed nor were stopped from outside. */
  failedPolls: PollRecord[];
  /** Deliveries that were still under way at the end. */
  undelivered: number;
  /** Deliveries that the broker repeated to the ledger's own consumer. */
  redeliveries: number;
  system: System;
}

const INTERVAL_SECONDS = 1;
/** The service's promise: ready again by itself within this time. */
export const READY_WITHIN_SECONDS = 30;
/** How long is waited for it before the run goes on. */
const READY_AT_LAST_MS = 90_000;
/** Longer than the lease of a claim whose poll was terminated. */
const DRAIN_MS = 100_000;

/** How long an aimed fault waits for a poll. */
const AIM_WITHIN_MS = 2_500;

/**
 * Runs life and faults against a system of its own, and judges. The caller stops `system`.
 *
 * @throws when a fault can't be carried out or a service does not come up; the system's files are kept then
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const system = await startSystem({
    intervalSeconds: INTERVAL_SECONDS,
    twitch: { seed: options.seed },
    env: { FIRST_SIGHT: options.firstSight },
  });
  options.onStart?.(system);
  try {
    return await runIn(system, options);
  } catch (error) {
    await system.stop({ keepFiles: true });
    throw new Error(`the run broke off (logs of workers and services: ${system.dir})`, { cause: error });
  }
}

async function runIn(system: System, options: CampaignOptions): Promise<CampaignResult> {
  const { seed, waves, firstSight, say } = options;
  const random = new Random(seed);
  const startedMs = Date.now();
  const { world } = system.sandbox;
  const cast = castWorld(world);
  const truth = new Truth(world, cast.watched);
  system.env.TARGET_USER_IDS = [...cast.watched.users].join(',');
  system.env.TARGET_GAME_IDS = [...cast.watched.games].join(',');
  system.env.WORKFLOW_BUNDLE = await bundleWorkflows(system.dir);

  const mailbox = new Mailbox(system.services.rabbitmqUrl);
  const polls = new PollLog(system.client);
  const staged = new Staged();
  const fleet = new Fleet(system);
  const life = new Life({
    world,
    cast,
    random: random.fork('life'),
    goLivesPerSecond: options.goLivesPerSecond,
    meanSecondsOnAir: 30,
  });
  const complaints: string[] = [];
  const stage: Stage = {
    system,
    cast,
    fleet,
    mailbox,
    staged,
    truth,
    life,
    complain: (what) => complaints.push(what),
  };
  const faults: FaultRecord[] = [];
  const evidence = (): Evidence => ({
    addedMs,
    firstSight,
    targets: cast.watched.users.size + cast.watched.games.size,
    streams: truth.streams,
    arrivals: mailbox.arrivals,
    polls: polls.all,
    readBy: staged.readBy(),
    firstServedAtMs: system.sandbox.firstServedAtMs,
    faults,
    doubts: truth.doubts,
  });
  let addedMs = Number.POSITIVE_INFINITY;

  fleet.observe('store', () => (direction, chunk, connection) => {
    if (direction === 'toServer') staged.feed(connection, chunk);
    return undefined;
  });
  startCrowd(world, cast);
  await fleet.add();
  await system.schedule();
  await ready(Date.now(), READY_AT_LAST_MS);
  // Twitch's times are whole seconds: nothing that starts from here on may seem to have started before.
  addedMs = Date.now();
  await sleep(1_100);
  life.start();
  say(`life begins after ${secondsSince(startedMs)} s`);

  const pauses = random.fork('pauses');
  for (const [no, wave] of waves.entries()) {
    await sleep(pauses.int(options.pauseMs + 1));
    await strike(no, wave);
  }
  while (truth.goLives < options.goLives) await sleep(100);
  life.stop();
  await drain();
  const result = evidence();
  const failedPolls = result.polls.filter(({ status }) => !/^(COMPLETED|TERMINATED|CANCELLED|RUNNING)$/.test(status));
  const undelivered = await polls.deliveries();
  await mailbox.stop();
  await fleet.stop();
  return {
    seed,
    firstSight,
    seconds: (Date.now() - startedMs) / 1_000,
    evidence: result,
    verdict: judge(result),
    deaths: fleet.deaths,
    complaints,
    failedPolls,
    undelivered,
    redeliveries: mailbox.redeliveries,
    system,
  };

  async function strike(no: number, wave: Wave): Promise<void> {
    const mine: FaultRecord[] = [];
    await Promise.all(
      wave.map(async (lane) => {
        for (const planned of lane) mine.push(await strikeOne(no, planned));
      }),
    );
    const endMs = Math.max(...mine.map((fault) => fault.endMs));
    const recovered = await ready(endMs, READY_AT_LAST_MS);
    for (const fault of mine) {
      fault.recoveredMs = Date.now();
      if (recovered) fault.recoverySeconds = (Date.now() - endMs) / 1_000;
    }
    const names = mine.map(({ kind, note }) => `${kind.name}${note ? ` (${note})` : ''}`);
    const state = recovered ? `ready after ${secondsSince(endMs)} s` : 'NOT READY';
    say(`${secondsSince(startedMs).padStart(6)} s  wave ${no + 1}: ${names.join(', ')}; ${state}`);
  }

  async function strikeOne(wave: number, planned: Planned): Promise<FaultRecord> {
    const { kind, waitMs, lastsMs, aimed, random: own } = planned;
    await sleep(waitMs);
    if (aimed) await fleet.nextRequest(AIM_WITHIN_MS);
    const far = Number.POSITIVE_INFINITY;
    const record: FaultRecord = {
      no: faults.length + 1,
      wave,
      kind,
      startMs: Date.now(),
      endMs: far,
      recoveredMs: far,
    };
    faults.push(record);
    const note = await kind.strike(stage, lastsMs, own);
    record.endMs = Date.now();
    if (typeof note === 'string') record.note = note;
    return record;
  }

  /** Ready: every worker says so, and a poll that began since has been through every target. */
  async function ready(sinceMs: number, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline) {
      const targets = cast.watched.users.size + cast.watched.games.size;
      await polls.refresh().catch(() => undefined);
      const good = polls.all.some(({ startMs, report }) => startMs >= sinceMs && isWholeWalk(report, targets));
      if (good && (await fleet.ready())) return true;
      await sleep(200);
    }
    return false;
  }

  /** Until everything that must arrive has arrived, two polls after the last change. */
  async function drain(): Promise<void> {
    const deadline = Date.now() + DRAIN_MS;
    for (let polled = 0; polled < 2; polled++) await ready(Date.now(), READY_AT_LAST_MS);
    while (Date.now() < deadline) {
      await polls.refresh().catch(() => undefined);
      if (judge(evidence()).lost.length === 0 && (await polls.deliveries()) === 0) return;
      await sleep(500);
    }
  }
}

/** Workers that are started a hundred times need not bundle the same workflows a hundred times. */
async function bundleWorkflows(dir: string): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const file = join(dir, 'workflows.js');
  writeFileSync(file, code);
  return file;
}

const secondsSince = (ms: number) => ((Date.now() - ms) / 1_000).toFixed(1);
