import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { anHourOf, isOver, isPoll, type LogLine, readLines, struck, written } from '../lib/logLines.ts';
import { max } from '../lib/measure.ts';
import { NEVER, type Outcome, row, tableOf } from '../lib/results.ts';
import type { Scenario } from '../lib/scenario.ts';
import { startBenchSystem } from '../lib/system.ts';
import { startProxies, type Trouble, troublesOf } from '../lib/troubles.ts';

const USERS = 1_000;
const INTERVAL_SECONDS = 5;
/** What needs attention is looked for every 15 s: once in each trouble at least. */
const SECONDS = 20;
const WELL_WITHIN_MS = 30_000;
const MOST_LINES_AN_HOUR = 120;
const WELL: Trouble = { name: 'all is well', begin: () => undefined, end: () => undefined };

interface Found {
  name: string;
  seconds: number;
  /** While it lasts. */
  lines: LogLine[];
  /** From its end until all is well. */
  after: LogLine[];
  /** Besides the polls'. */
  anHour: string[];
}

/** How many lines an hour of each trouble makes. */
export const logs: Scenario = {
  measures:
    'Lines that a worker writes at `LOG_LEVEL=info`: one a poll while all is well and no other, and a bounded number in an hour ' +
    'of each trouble.',

  async run({ quick, say, defer }): Promise<Outcome> {
    const twitch = { users: USERS, live: 20, seed: 5, requestsPerMinute: 6_000 };
    const system = await startBenchSystem({ defer }, { twitch, intervalSeconds: INTERVAL_SECONDS });
    const proxies = await startProxies(system, { defer });
    await system.importTargets();
    const worker = await system.startWorker({ LOG_LEVEL: 'debug', ...proxies.env });
    // What is over was told of for the last time: it belongs to a trouble before.
    const lines = () => readLines(readFileSync(worker.log, 'utf8')).filter((line) => !isOver(line));
    const untilWell = async () => {
      const from = lines().length;
      const untilMs = Date.now() + WELL_WITHIN_MS;
      const isWell = (line: LogLine) => isPoll(line) && line.problems === undefined;
      // The first one may have begun before.
      while (lines().slice(from).filter(isWell).length < 2 && Date.now() < untilMs) await sleep(200);
    };
    await system.schedule();
    await untilWell();
    const all = [WELL, ...(await troublesOf(system, proxies, { defer }))];
    const troubles = quick ? all.slice(0, 2) : all;
    // So that there is something to announce all the time.
    const trickle = { seconds: 3_600, perSecond: 0.5, spread: 'even', keepLive: 40 } as const;
    void system.sandbox.trickle(trickle).catch(() => undefined);

    const found: Found[] = [];
    for (const trouble of troubles) {
      const from = lines().length;
      const startedMs = Date.now();
      await trouble.begin();
      const lastsMs = (quick ? 2 * INTERVAL_SECONDS : SECONDS) * 1_000;
      while (Date.now() - startedMs < lastsMs) {
        await trouble.again?.();
        await sleep(1_000);
      }
      const until = lines().length;
      const seconds = (Date.now() - startedMs) / 1_000;
      await trouble.end();
      await untilWell();
      const during = lines().slice(from, until);
      const anHour = anHourOf(
        during.filter((line) => !isPoll(line)),
        seconds,
      );
      const { name } = trouble;
      found.push({ name, seconds, lines: during, after: lines().slice(until), anHour });
      say(`${name}: ${anHour.length} lines an hour besides polls; ${[...new Set(anHour)].join(' | ')}`);
    }

    const [well, ...wrong] = found as [Found, ...Found[]];
    const besidePolls = (some: readonly LogLine[]) => written(some).filter((line) => !isPoll(line)).length;
    return {
      rows: [
        row('all is well: polls', well.lines.filter(isPoll).length),
        row('all is well: lines besides one a poll', besidePolls(well.lines), NEVER),
        row('most lines in an hour of one trouble, besides one a poll', max(wrong.map(({ anHour }) => anHour.length)), {
          bar: { most: MOST_LINES_AN_HOUR },
        }),
      ],
      tables: [
        tableOf('Lines besides one a poll', found, {
          'what is wrong': ({ name }) => name,
          'measured, s': ({ seconds }) => Math.round(seconds),
          'worth a warning': ({ lines }) => struck(lines).length,
          written: ({ lines }) => besidePolls(lines),
          'until well': ({ after }) => besidePolls(after),
          'an hour without bounds': ({ lines, seconds }) => Math.round((struck(lines).length * 3_600) / seconds),
          'an hour': ({ anHour }) => anHour.length,
        }),
      ],
      conditions: [
        `${USERS} users, a poll every ${INTERVAL_SECONDS} s, a go-live every 2 s; each trouble lasts ${SECONDS} s, then all is well`,
        'an hour: the lines of those seconds again and again, through the logger itself by a clock that runs ahead. It is an ' +
          'upper bound: waits between attempts grow, and polls are every 30 s by default',
        'worth a warning: whether it was written, or held back as a repeat (at `debug` that is a line, too); until well: lines ' +
          'from the end of the trouble to the second poll without problems',
      ],
      versions: await system.versions(),
    };
  },
};
