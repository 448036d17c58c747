import { readAbout } from './liveEntry.ts';
import { StorePart } from './part.ts';

export interface FindLive {
  /** How a login begins, in any case, or a user's whole id. */
  text: string;
  /** It is a whole login. */
  exact?: boolean;
  limit: number;
  after?: string | undefined;
}

/** How old the list of logins may get. Whoever types asks again and again, and pages of one answer follow each other. */
const KEPT_MS = 3_000;
/** Entries of one read: the store and this process do other things in between. */
const ENTRIES_PER_READ = 1_000;

interface Named {
  login: string;
  userId: string;
  /** By which they are in order: login, 0x1F, user id. */
  place: string;
}

/**
 * Finds live streams by their user. The live set is kept by user id alone, and an index of logins would be one more thing
 * that every comparison has to keep: so the logins of all that are live are read when somebody asks, and kept for seconds.
 */
export class LiveSearch extends StorePart {
  #kept: { list: Promise<Named[]>; untilMs: number } | undefined;

  /** Users that are live, in the order of their logins. */
  async find({ text, exact = false, limit, after }: FindLive): Promise<{ userIds: string[]; next?: string }> {
    const wanted = text.toLowerCase();
    const behind = after === undefined ? '' : Buffer.from(after, 'base64url').toString();
    const isWanted = ({ login, userId }: Named) =>
      exact ? login === wanted : userId === text || login.startsWith(wanted);
    const found = (await this.#logins())
      .filter((each) => isWanted(each) && each.place > behind)
      .sort((a, b) => (a.place < b.place ? -1 : 1));
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      userIds: page.map(({ userId }) => userId),
      ...(last && { next: Buffer.from(last.place).toString('base64url') }),
    };
  }

  #logins(): Promise<Named[]> {
    if (!this.#kept || performance.now() > this.#kept.untilMs) {
      const list = this.#readLogins();
      this.#kept = { list, untilMs: performance.now() + KEPT_MS };
      list.catch(() => {
        this.#kept = undefined;
      });
    }
    return this.#kept.list;
  }

  async #readLogins(): Promise<Named[]> {
    // By user: a scan may tell an entry twice.
    const found = new Map<string, Named>();
    let cursor = '0';
    do {
      const [next, flat] = await this.connection.hscan(this.keys.live, cursor, 'COUNT', ENTRIES_PER_READ);
      for (let at = 0; at < flat.length; at += 2) {
        const [userId = '', entry = ''] = flat.slice(at, at + 2);
        const login = loginOf(entry);
        found.set(userId, { login, userId, place: `${login}\x1f${userId}` });
      }
      cursor = next;
    } while (cursor !== '0');
    return [...found.values()];
  }
}

/** An entry that can't be read is no entry: see entries.lua. */
function loginOf(entry: string): string {
  try {
    return readAbout(entry).userLogin.toLowerCase();
  } catch {
    return '';
  }
}
