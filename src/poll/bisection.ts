/** An id that Twitch refuses, and what it said. */
export interface RefusedId {
  id: string;
  reason: string;
}

/** Requests that a poll may still spend on finding refused ids. */
export interface Allowance {
  left: number;
}

/**
 * A poll's allowance for finding refused ids: one of 100 takes 14 requests, so that about 28 are found in a poll. It bounds
 * what a poll costs when Twitch refuses every request, and at the default budget half a minute.
 */
export const BISECTING_REQUESTS = 400;

/** What a batch that is refused takes of it at once, so that many together do not all stop half-way: enough for one id. */
const RESERVED = 16;

/** Without evidence so many parts are split: down to eighths, 15 requests. */
const SPLIT_ON_TRIAL = 7;

/**
 * Finds the ids for which Twitch refuses a batch, by asking for halves of it. Refusals alone prove nothing: Twitch may
 * refuse every request, for a reason of its own. So a batch is only split down to eighths before there is evidence that
 * ids are at fault: a part of the same batch was accepted, or Twitch named the parameter.
 */
export class Bisection {
  /** Ids that were asked for to the end of their list. */
  readonly complete: string[] = [];
  readonly refused: RefusedId[] = [];
  /** Parts that were not polled: their requests failed in another way, or too many would have been needed. */
  readonly unpolled: string[][] = [];
  readonly #allowance: Allowance;
  #reserved = 0;
  #todo: string[][];
  /** Refused, but nothing says yet that the ids are at fault. */
  #suspects: { ids: string[]; reason: string }[] = [];
  #evidence: boolean;
  #asked = 0;

  /** @param refusedBefore the ids were found to be refused in an earlier poll: no more evidence is needed */
  constructor(ids: string[], allowance: Allowance, refusedBefore = false) {
    this.#todo = [ids];
    this.#allowance = allowance;
    this.#evidence = refusedBefore;
  }

  /** The ids to ask for next; undefined when all have been dealt with. */
  next(): string[] | undefined {
    if (this.#todo.length > 0 && (this.#asked === 0 || this.#spend())) {
      this.#asked += 1;
      return this.#todo.shift();
    }
    this.unpolled.push(...this.#todo.splice(0), ...this.#suspects.splice(0).map(({ ids }) => ids));
    this.#allowance.left += this.#reserved;
    this.#reserved = 0;
    return undefined;
  }

  /** Twitch has answered for the ids; `complete`: to the end of their list. */
  polled(ids: string[], complete: boolean): void {
    if (complete) this.complete.push(...ids);
    this.#convince();
  }

  /** @param named the answer itself says that an id is at fault */
  refuse(ids: string[], reason: string, named: boolean): void {
    if (this.#asked === 1 && this.#allowance.left >= RESERVED) {
      this.#allowance.left -= RESERVED;
      this.#reserved = RESERVED;
    }
    if (named) this.#convince();
    if (this.#evidence) this.#blame(ids, reason);
    else if (this.#asked <= SPLIT_ON_TRIAL && ids.length > 1) this.#todo.push(...halves(ids));
    else this.#suspects.push({ ids, reason });
  }

  /** The request for the ids has failed for another reason. */
  fail(ids: string[]): void {
    this.unpolled.push(ids);
  }

  #convince(): void {
    this.#evidence = true;
    for (const { ids, reason } of this.#suspects.splice(0)) this.#blame(ids, reason);
  }

  /** One of the ids is refused. What is found goes first: if the allowance ends, as many as possible are known. */
  #blame(ids: string[], reason: string): void {
    const [id] = ids;
    if (ids.length === 1 && id !== undefined) this.refused.push({ id, reason });
    else this.#todo.unshift(...halves(ids));
  }

  #spend(): boolean {
    if (this.#reserved > 0) this.#reserved -= 1;
    else if (this.#allowance.left >= RESERVED) this.#allowance.left -= 1;
    else return false;
    return true;
  }
}

function halves(ids: string[]): [string[], string[]] {
  const half = Math.ceil(ids.length / 2);
  return [ids.slice(0, half), ids.slice(half)];
}

/**
 * Whether a refusal names the ids. Twitch says `The parameter "user_id" was malformed: the value must match the regular
 * expression /^[0-9]*$/` (twurple#16) or `Invalid username(s), email(s), or ID(s). Bad Identifiers.` (Firebot#3265).
 */
export function namesIds(message: string): boolean {
  return /"(user|game)_id" was malformed|bad identifiers|IDs in request/i.test(message);
}
