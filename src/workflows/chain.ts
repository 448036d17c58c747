/**
 * The pages of one batch, as a chain of cursors. Twitch's cursors are known to loop (twitchdev/issues#93), to lead to
 * an empty page (#543, #199) and to be refused at random (#91), so a chain ends at the first sign of that. A chain that
 * ended so may add to the live set but never remove from it: it is not complete.
 */
export interface Chain {
  /** Pages that were received; also the number of the next page. */
  pages: number;
  /** Cursors that were used since the chain last began. */
  cursors: string[];
  restarted: boolean;
  complete: boolean;
}

export type Step = { page: number; after?: string } | 'end';

/** Far above the largest category (about 1,000 pages hold every live stream of Twitch). */
export const MOST_PAGES = 1_000;

export function startChain(): Chain {
  return { pages: 0, cursors: [], restarted: false, complete: true };
}

/** What to request after a page that had so many streams, that many unreadable entries and this cursor. */
export function afterPage(chain: Chain, page: { streams: number; malformed: number; next?: string }): Step {
  chain.pages += 1;
  if (page.malformed > 0) chain.complete = false;
  if (page.next === undefined) return 'end';
  const loops = chain.cursors.includes(page.next);
  const empty = page.streams + page.malformed === 0;
  if (loops || empty || chain.pages >= MOST_PAGES) {
    chain.complete = false;
    return 'end';
  }
  chain.cursors.push(page.next);
  return { page: chain.pages, after: page.next };
}

/** What to request after Twitch has refused a cursor: the batch again from its beginning, once. */
export function afterInvalidCursor(chain: Chain): Step {
  if (chain.restarted) {
    chain.complete = false;
    return 'end';
  }
  chain.restarted = true;
  chain.cursors = [];
  return { page: chain.pages };
}
