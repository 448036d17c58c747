/** What sweeps of the directory of all live streams show of those that go live. */
export interface SweepView {
  /** From one sighting of a place in the directory to the next. */
  seconds: number;
  /** How much later than an answer by id the directory shows a stream, on average. */
  delaySeconds: number;
  /** Share of the streams that it shows at all. */
  recall: number;
}

/** The share of go-lives that no sweep has shown falls in a straight line from one point to the next. */
interface Point {
  /** Seconds since the go-live. */
  at: number;
  unseen: number;
  /** Integrals from 0 to here: of the share, and of the share times the seconds. */
  area: number;
  moment: number;
}

/**
 * How late go-lives are found among users that are asked for by id once in a period, and by sweeps besides. Both meet a
 * go-live at a random point of their rounds, and the first that shows it counts.
 */
export class Lag {
  readonly #points: Point[];

  /** @param sweep absent: users are found by id alone */
  constructor(sweep?: SweepView) {
    this.#points = [{ at: 0, unseen: 1, area: 0, moment: 0 }];
    if (!sweep) return;
    if (sweep.delaySeconds > 0) this.#add(sweep.delaySeconds, 1);
    this.#add(sweep.delaySeconds + sweep.seconds, 1 - sweep.recall);
  }

  #add(at: number, unseen: number): void {
    const last = this.#points.at(-1) as Point;
    this.#points.push({ at, unseen, ...integrate(last, at, unseen) });
  }

  /** Mean of the seconds from a go-live to the answer that shows it. @param period seconds from one request to the next */
  mean(period: number): number {
    const { area, moment } = this.#upTo(period);
    return area - moment / period;
  }

  /**
   * What a request more in a second brings: by how much it lowers the mean. It grows with the period, by the square of it if
   * there are no sweeps, which makes the best frequencies go with the square root of the go-lives.
   */
  gain(period: number): number {
    return this.#upTo(period).moment;
  }

  /** The period at which a request more brings so much; infinity if none does. */
  periodFor(gain: number): number {
    const next = this.#points.findIndex(({ moment }) => moment >= gain);
    const [from, to] = this.#around(next);
    if (!to) return Math.sqrt(from.at ** 2 + (2 * (gain - from.moment)) / from.unseen);
    let [low, high] = [from.at, to.at];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (this.gain(middle) < gain) low = middle;
      else high = middle;
    }
    return high;
  }

  #upTo(at: number): { area: number; moment: number } {
    const [from, to] = this.#around(this.#points.findIndex((point) => point.at >= at));
    const slope = to && to.at > from.at ? (to.unseen - from.unseen) / (to.at - from.at) : 0;
    return integrate(from, at, from.unseen + slope * (at - from.at));
  }

  /** The points before and at an index; behind the last nothing changes any more. */
  #around(index: number): [from: Point, to: Point | undefined] {
    return [this.#points.at(index < 0 ? -1 : Math.max(0, index - 1)) as Point, this.#points[index]];
  }
}

function integrate(from: Point, at: number, unseen: number): { area: number; moment: number } {
  const width = at - from.at;
  const middle = ((from.at + at) / 2) * ((from.unseen + unseen) / 2);
  return {
    area: from.area + (width * (from.unseen + unseen)) / 2,
    // Simpson's rule, which is exact for a product of two straight lines.
    moment: from.moment + (width * (from.at * from.unseen + 4 * middle + at * unseen)) / 6,
  };
}
