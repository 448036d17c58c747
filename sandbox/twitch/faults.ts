import type { Answer, Endpoint } from './answer.ts';
import type { TokenBucket } from './bucket.ts';
import type { Random } from './random.ts';
import type { Tokens } from './tokens.ts';

/** What goes wrong. Durations are in milliseconds unless the name says otherwise. */
export type FaultKind =
  /** Any status, with Twitch's body for it, the gateway's HTML page, or a body of your own. */
  | { kind: 'status'; status: number; html?: boolean; body?: string }
  /** 429 although the bucket has points, full again in so many seconds. */
  | { kind: 'rateLimit'; resetInSeconds: number }
  /** The answer, right but late. */
  | { kind: 'slowHeaders'; delayMs: number }
  /** Headers at once, then the body in small pieces over this time. */
  | { kind: 'slowBody'; overMs: number }
  /** The connection is closed (`reset`: with a TCP reset) before the headers or halfway through the body. */
  | { kind: 'cut'; at: 'headers' | 'body'; reset?: boolean }
  /** No answer, ever. */
  | { kind: 'hang' }
  /** 200 with half a JSON document, or with a whole one of another shape. */
  | { kind: 'garbage'; as: 'invalidJson' | 'wrongShape' }
  /** One malformed entry more, amid the good ones of a page. */
  | { kind: 'malformedEntry' }
  /** 200 with no streams, although the page has some. */
  | { kind: 'emptyData' }
  /** A page that has fewer streams than asked for (default: half); its cursor goes on where it stops. */
  | { kind: 'shortPage'; size?: number }
  /** The page's cursor leads to this page again: it is the one that the request came with. */
  | { kind: 'loopCursor' }
  /** 400 `Invalid cursor` for a request that has a cursor. */
  | { kind: 'invalidCursor' }
  /** The page's cursor leads to an empty page. Streams on later pages, if there are any, stay hidden. */
  | { kind: 'cursorToEmptyPage' }
  /**
   * The page's cursor is one whose decoded `a` is empty (twitchdev/issues#543, #199): it leads to an empty page. Streams on
   * later pages stay hidden. It strikes pages that have a next one, unless `lastPage` is matched: there it hides nothing,
   * as Twitch ends many lists so.
   */
  | { kind: 'deadCursor' }
  /** 400 for a request that holds one of these ids, with Twitch's message for what is no number. */
  | { kind: 'refusedIds'; ids: readonly string[] }
  /** The page has no `pagination` key. Streams on later pages, if there are any, stay hidden. */
  | { kind: 'noPagination' };

/** A request as a fault sees it. */
export interface RequestInfo {
  endpoint: Endpoint;
  /** Ids, logins and names that were asked for. */
  ids: readonly string[];
  /** Counts from 1; 1 for anything but streams. */
  page: number;
  /** No page follows. */
  lastPage: boolean;
  /** Requests in flight, this one included. */
  concurrent: number;
}

/** All conditions must hold. Without `endpoint`: any Helix endpoint, never the OAuth ones. */
export interface Match {
  endpoint?: Endpoint;
  /** One of the ids, logins or names in the request. */
  id?: string;
  page?: number;
  lastPage?: boolean;
}

export type FaultOrder = FaultKind & {
  /** How many requests it hits. Default: any number. */
  times?: number;
  /** How long it lasts, from now, in milliseconds. Default: until removed. */
  forMs?: number;
  /** Chance that a matching request is hit, drawn from the sandbox's seed. Default 1. */
  probability?: number;
  /**
   * Adds to `probability` (then 0 by default) for each id behind the first, and for each other request in flight: as #543
   * tells of cursors that lead nowhere.
   */
  grows?: { perId?: number; perConcurrent?: number };
  match?: Match | ((request: RequestInfo) => boolean);
};

export interface FaultHandle {
  readonly id: number;
  readonly order: FaultOrder;
  /** Requests that were hit. */
  readonly hits: number;
  /** False once it is used up, over or removed. */
  readonly active: boolean;
  remove(): void;
}

const PAGE_FAULTS: ReadonlySet<FaultKind['kind']> = new Set([
  'malformedEntry',
  'emptyData',
  'shortPage',
  'loopCursor',
  'cursorToEmptyPage',
  'deadCursor',
  'noPagination',
]);

/** Entries that a short page keeps of `length`. */
export const shortPageSize = (order: { size?: number }, length: number): number =>
  order.size ?? Math.max(1, Math.floor(length / 2));

function applicable(order: FaultOrder, answer: Answer): boolean {
  if (order.kind === 'invalidCursor') return answer.after !== undefined;
  if (order.kind === 'refusedIds') return answer.ids.some((id) => order.ids.includes(id));
  if (!PAGE_FAULTS.has(order.kind)) return true;
  if (!answer.page) return false;
  const { length } = answer.page.body.data;
  if (order.kind === 'emptyData') return length > 0;
  if (order.kind === 'deadCursor' && !lastPageMatched(order.match))
    return answer.page.body.pagination?.cursor !== undefined;
  return order.kind !== 'shortPage' || length > shortPageSize(order, length);
}

const lastPageMatched = (match: FaultOrder['match']) => typeof match === 'object' && match.lastPage === true;

/** The chance that an order strikes this request. */
function chance({ probability, grows }: FaultOrder, { ids, concurrent }: RequestInfo): number {
  if (!grows) return probability ?? 1;
  const { perId = 0, perConcurrent = 0 } = grows;
  return (probability ?? 0) + perId * Math.max(0, ids.length - 1) + perConcurrent * Math.max(0, concurrent - 1);
}

function matches(match: FaultOrder['match'], request: RequestInfo): boolean {
  if (typeof match === 'function') return match(request);
  const { endpoint, id, page, lastPage } = match ?? {};
  return (
    (endpoint === undefined
      ? request.endpoint !== 'token' && request.endpoint !== 'validate'
      : endpoint === request.endpoint) &&
    (id === undefined || request.ids.includes(id)) &&
    (page === undefined || page === request.page) &&
    (lastPage === undefined || lastPage === request.lastPage)
  );
}

class OrderedFault implements FaultHandle {
  readonly id: number;
  readonly order: FaultOrder;
  hits = 0;
  readonly #random: Random;
  readonly #untilMs: number;
  #removed = false;

  constructor(id: number, order: FaultOrder, random: Random) {
    this.id = id;
    this.order = order;
    this.#random = random;
    this.#untilMs = Date.now() + (order.forMs ?? Number.POSITIVE_INFINITY);
  }

  get active(): boolean {
    return !this.#removed && this.hits < (this.order.times ?? Number.POSITIVE_INFINITY) && Date.now() < this.#untilMs;
  }

  remove(): void {
    this.#removed = true;
  }

  strikes(request: RequestInfo, answer: Answer): boolean {
    if (!this.active || !applicable(this.order, answer) || !matches(this.order.match, request)) return false;
    const odds = chance(this.order, request);
    if (odds < 1 && this.#random.next() >= odds) return false;
    this.hits++;
    return true;
  }
}

/** Faults to order. Of several that match a request, the one that was ordered first strikes, alone. */
export class Faults {
  readonly #random: Random;
  readonly #bucket: TokenBucket;
  readonly #tokens: Tokens;
  #ordered: OrderedFault[] = [];
  #nextId = 1;

  constructor(random: Random, bucket: TokenBucket, tokens: Tokens) {
    this.#random = random;
    this.#bucket = bucket;
    this.#tokens = tokens;
  }

  add(order: FaultOrder): FaultHandle {
    const id = this.#nextId++;
    const fault = new OrderedFault(id, order, this.#random.fork(`fault ${id}`));
    this.#ordered.push(fault);
    return fault;
  }

  /** Every fault that was ordered since the last `clear`. */
  list(): readonly FaultHandle[] {
    return this.#ordered;
  }

  /** Removes all faults and the other client. */
  clear(): void {
    for (const fault of this.#ordered) fault.remove();
    this.#ordered = [];
    this.#bucket.setOtherClient(0);
  }

  /** Makes all tokens issued so far invalid; returns how many there were. */
  revokeTokens(): number {
    return this.#tokens.revokeAll();
  }

  /** Lifetime of tokens issued from now on, in seconds. */
  setTokenLifetime(seconds: number): void {
    this.#tokens.lifetimeSeconds = seconds;
  }

  /** Takes points out of the rate limit's bucket. */
  drain(points: number): void {
    this.#bucket.drain(points);
  }

  /** A second consumer of the same bucket that spends this much all the time; 0 ends it. */
  otherClient(requestsPerMinute: number): void {
    this.#bucket.setOtherClient(requestsPerMinute);
  }

  /** The fault that strikes this request, if any; counted as a hit. */
  draw(endpoint: Endpoint, answer: Answer, concurrent: number): FaultOrder | undefined {
    if (this.#ordered.length === 0) return undefined;
    const request: RequestInfo = {
      endpoint,
      ids: answer.ids,
      page: answer.page?.number ?? 1,
      lastPage: answer.page?.body.pagination?.cursor === undefined,
      concurrent,
    };
    return this.#ordered.find((fault) => fault.strikes(request, answer))?.order;
  }
}
