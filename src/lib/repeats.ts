/** What is said again is said after so long; until then it is only counted. */
const AGAIN_MS = 10 * 60_000;
/** So many different causes of one trouble are told in that time: a service that goes away has more than one. */
const CAUSES = 5;
/** More troubles than ever are at a time: of messages that are never the same, the oldest are forgotten. */
const MOST = 200;
/** How much of a message tells which trouble it is, and of a cause which one: behind that stand details. */
const MESSAGE_LENGTH = 60;
const CAUSE_LENGTH = 160;

interface Trouble {
  message: string;
  sinceMs: number;
  lastMs: number;
  times: number;
  /** Since it was last told. */
  untold: number;
  toldSinceMs: number;
  causes: Set<string>;
}

/** A trouble that has ended, of which not everything was told. */
export interface EndedTrouble {
  message: string;
  times: number;
  /** By the clock of the whole. */
  sinceMs: number;
}

/**
 * Bounds how often a trouble is told: however often it strikes, each of its first five causes once in ten minutes, so about
 * 30 times an hour. Whatever is not told is counted, and the count is told.
 */
export class Repeats {
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #troubles = new Map<string, Trouble>();

  /** @param quietMs a trouble is over when it has not struck for so long */
  constructor(quietMs: number, now = () => Date.now()) {
    this.#quietMs = quietMs;
    this.#now = now;
  }

  /**
   * A trouble strikes. Numbers in its texts do not make another one: "tried 7 times" and "tried 8 times" are the same news.
   *
   * @param from where it was noticed: the same words from elsewhere are another trouble
   * @returns undefined if it is not to be told now, else how often it was not told before
   */
  struck(from: string, message: string, cause: string): number | undefined {
    const nowMs = this.#now();
    const name = `${from} ${withoutNumbers(message, MESSAGE_LENGTH)}`;
    let trouble = this.#troubles.get(name);
    if (!trouble) {
      trouble = { message, sinceMs: nowMs, lastMs: 0, times: 0, untold: 0, toldSinceMs: nowMs, causes: new Set() };
      this.#troubles.set(name, trouble);
      const [oldest] = this.#troubles.keys();
      if (this.#troubles.size > MOST && oldest !== undefined) this.#troubles.delete(oldest);
    }
    trouble.lastMs = nowMs;
    trouble.times += 1;
    if (nowMs - trouble.toldSinceMs >= AGAIN_MS) {
      trouble.toldSinceMs = nowMs;
      trouble.causes.clear();
    }
    const why = withoutNumbers(cause, CAUSE_LENGTH);
    if (trouble.causes.has(why) || trouble.causes.size >= CAUSES) {
      trouble.untold += 1;
      return undefined;
    }
    trouble.causes.add(why);
    const { untold } = trouble;
    trouble.untold = 0;
    return untold;
  }

  /** Forgets what has not struck for long. Returns those of which something was not told. */
  ended(): EndedTrouble[] {
    const nowMs = this.#now();
    const ended: EndedTrouble[] = [];
    for (const [name, { message, times, sinceMs, lastMs, untold }] of this.#troubles) {
      if (nowMs - lastMs < this.#quietMs) continue;
      this.#troubles.delete(name);
      if (untold > 0) ended.push({ message, times, sinceMs });
    }
    return ended;
  }

  get size(): number {
    return this.#troubles.size;
  }
}

/** Without what is different each time: counts, ports, ids. */
function withoutNumbers(text: string, length: number): string {
  return text.slice(0, length).replace(/[\da-f]{8}(-?[\da-f]{4})*|\d+/gi, '#');
}
