import { STREAMS_PER_PAGE, type TargetKind } from './model.ts';

/**
 * The pages of one request's ids, as a chain of cursors. Twitch's cursors are known to lead nowhere (twitchdev/issues#543,
 * #199), back to the beginning (#93), or to be refused at random (#91), the more so with many games and many requests at
 * once. Asked again for the same page, Twitch mostly gives another cursor: so the chain goes back to its last good place,
 * a bounded number of times, before it is given up. A chain that was given up may add to the live set but never remove
 * from it: it is not complete.
 */
export interface Chain {
  readonly kind: TargetKind;
  /** Streams that are known to be live for these ids, 0 if unknown: who has seen as many need not doubt an odd end. */
  readonly known: number;
  /** Number of the next page that is received; no two pages of a batch share one. */
  page: number;
  /** Pages and refused cursors so far. */
  answers: number;
  /** The cursors that led to the present place. */
  cursors: string[];
  /** By place (0: the first page): entries of its page, and how often it was asked for again. */
  places: { entries: number; again: number }[];
  again: number;
  restarted: boolean;
  complete: boolean;
}

export type Step = { page: number; after?: string } | 'end';

/** A page as the chain sees it. */
export interface ChainPage {
  streams: number;
  /** Entries that could not be read. */
  malformed: number;
  next?: string;
  /** The cursor leads nowhere (see `isDeadCursor`). */
  dead?: boolean;
}

/** Far above the largest category (about 1,000 pages hold every live stream of Twitch). */
export const MOST_PAGES = 1_000;
/**
 * How often a place is asked for again. A full page is hardly ever the last, so that an odd cursor on it hides streams: with
 * 40 % of such cursors 9 requests in a row fail once in 3,800 times. A short page mostly is the last, and Twitch ends lists
 * with a dead cursor too.
 */
const AGAIN_IF_FULL = 8;
const AGAIN_IF_SHORT = 2;
/** Requests for places asked for again, in the whole chain: so many, and one more for each page. */
const AGAIN_IN_ALL = 20;

export function startChain(kind: TargetKind, known = 0, firstPage = 0): Chain {
  return {
    kind,
    known,
    page: firstPage,
    answers: 0,
    cursors: [],
    places: [],
    again: 0,
    restarted: false,
    complete: true,
  };
}

/**
 * What to request after a page.
 *
 * @param mayAskAgain asked only where a page is odd: false in runs that began before places were asked for again
 */
export function afterPage(chain: Chain, page: ChainPage, mayAskAgain: () => boolean): Step {
  const { cursors } = chain;
  chain.page += 1;
  chain.answers += 1;
  if (page.malformed > 0) chain.complete = false;
  const entries = page.streams + page.malformed;
  chain.places[cursors.length] = { again: chain.places[cursors.length]?.again ?? 0, entries };
  chain.places.length = cursors.length + 1;

  if (page.next === undefined) {
    const before = chain.places.at(-2);
    const odd = chain.kind === 'game' && entries === 0 && before !== undefined && before.entries >= STREAMS_PER_PAGE;
    return odd && mayAskAgain() ? askAgain(chain, cursors.length - 1, 'honest') : 'end';
  }
  // A user has one stream at most and a page holds them all, so that for users this is how Twitch ends the list.
  if (page.dead) return chain.kind === 'user' ? 'end' : askAgain(chain, cursors.length);
  const itself = page.next === cursors.at(-1);
  const loops = cursors.includes(page.next);
  if (entries === 0 || loops) {
    if (!mayAskAgain()) return breakOff(chain);
    // The fault lies in the cursor that led here, unless the page is a good one that names itself as the next.
    return askAgain(chain, itself && entries > 0 ? cursors.length : cursors.length - 1);
  }
  if (chain.answers >= MOST_PAGES) return breakOff(chain);
  cursors.push(page.next);
  return { page: chain.page, after: page.next };
}

/** What to request after Twitch has refused a cursor: the page before it again, for another cursor. */
export function afterInvalidCursor(chain: Chain, mayAskAgain: () => boolean): Step {
  chain.answers += 1;
  if (mayAskAgain()) return askAgain(chain, chain.cursors.length - 1);
  if (chain.restarted) return breakOff(chain);
  chain.restarted = true;
  chain.cursors = [];
  return { page: chain.page };
}

/**
 * Goes back to a place, or ends the chain when it was asked for often enough.
 *
 * @param end `honest`: what was seen is also how a list ends that fills its last page
 */
function askAgain(chain: Chain, wanted: number, end: 'odd' | 'honest' = 'odd'): Step {
  const place = Math.max(0, wanted);
  const { entries, again } = chain.places[place] ?? { entries: 0, again: 0 };
  const full = entries >= STREAMS_PER_PAGE;
  const seen = chain.places.slice(0, place + 1).reduce((sum, page) => sum + page.entries, 0);
  const believable = end === 'honest' || !full;
  if (believable && chain.known > 0 && seen >= chain.known) return 'end';
  const spent = chain.again >= AGAIN_IN_ALL + chain.places.length || chain.answers >= MOST_PAGES;
  if (spent || again >= (full ? AGAIN_IF_FULL : AGAIN_IF_SHORT)) {
    // Behind a short page that shows it each time it is no mishap, but the end. An empty one tells nothing.
    return !believable || spent || entries === 0 ? breakOff(chain) : 'end';
  }
  chain.again += 1;
  chain.places[place] = { entries, again: again + 1 };
  chain.places.length = place + 1;
  chain.cursors.length = place;
  const after = chain.cursors.at(-1);
  return { page: chain.page, ...(after !== undefined && { after }) };
}

function breakOff(chain: Chain): Step {
  chain.complete = false;
  return 'end';
}
