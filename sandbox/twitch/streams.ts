import { BadRequest, type HelixStream, type StreamsPage } from './answer.ts';
import type { LiveStream } from './liveStream.ts';
import { hash } from './random.ts';
import type { World } from './world.ts';

/** A parsed query string: a parameter that is repeated has several values. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

const MAX_VALUES = 100;
const PAST_THE_END = 1_000_000_000;

/** The values of a parameter that may be repeated up to 100 times. */
export function values(query: Query, name: string): string[] {
  const value = query[name];
  const list = value === undefined ? [] : [value].flat().filter((item) => item !== '');
  if (list.length > MAX_VALUES) {
    throw new BadRequest(
      `The parameter "${name}" was malformed: the value must be less than or equal to ${MAX_VALUES}`,
    );
  }
  return list;
}

function pageSize(query: Query): number {
  const text = [query.first ?? '20'].flat().at(-1) ?? '';
  const first = Number(text);
  const malformed = (problem: string) =>
    new BadRequest(`The parameter "first" was malformed: the value must be ${problem}`);
  if (text === '' || !Number.isInteger(first)) throw malformed('an integer');
  if (first < 1) throw malformed('greater than or equal to 1');
  if (first > 100) throw malformed('less than or equal to 100');
  return first;
}

/** An opaque cursor; the same place in the list always has the same one. */
export function encodeCursor(offset: number, page: number): string {
  return Buffer.from(JSON.stringify({ b: null, a: { Offset: offset, Page: page } })).toString('base64');
}

/** The cursor that leads to an empty page. */
export const cursorPastTheEnd = (page: number): string => encodeCursor(PAST_THE_END, page);

/** A cursor whose place behind the page is empty, as #199 shows one; it leads to an empty page. */
export function deadCursor(offset: number): string {
  return Buffer.from(JSON.stringify({ b: { Cursor: encodeCursor(offset, 0) }, a: { Cursor: '' } })).toString(
    'base64url',
  );
}

function decodeCursor(cursor: string | undefined): { offset: number; number: number } {
  if (!cursor) return { offset: 0, number: 1 };
  try {
    const { Offset, Page, Cursor } = JSON.parse(Buffer.from(cursor, 'base64').toString()).a;
    if (Cursor === '') return { offset: PAST_THE_END, number: 1 };
    if (Number.isSafeInteger(Offset) && Offset >= 0 && Number.isSafeInteger(Page))
      return { offset: Offset, number: Page };
  } catch {
    // Not one of ours: the answer is the same as for one that is out of range.
  }
  throw new BadRequest('Invalid cursor');
}

function* found(world: World, query: Query): Generator<LiveStream> {
  const ids = new Set(values(query, 'user_id'));
  for (const login of values(query, 'user_login')) {
    const user = world.users.find(login);
    if (user) ids.add(user.id);
  }
  const games = new Set(values(query, 'game_id'));
  if (query.user_id !== undefined || query.user_login !== undefined) {
    for (const id of ids) {
      const stream = world.streamOf(id);
      if (stream && (games.size === 0 || games.has(stream.gameId))) yield stream;
    }
  } else if (games.size > 0) {
    for (const gameId of games) yield* world.liveIn(gameId);
  } else {
    yield* world.live();
  }
}

/** `GET /helix/streams`: by descending viewers, a page at a time. The seed decides how viewer counts drift. */
export class StreamsEndpoint {
  readonly #world: World;
  readonly #seed: number;
  readonly #ranked = new Map<string, LiveStream[]>();
  #rankedVersion = -1;
  #tick = 0;

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#seed = seed;
  }

  /** @throws BadRequest */
  answer(query: Query): StreamsPage {
    this.#tick++;
    const first = pageSize(query);
    const { offset, number } = decodeCursor([query.after ?? ''].flat().at(-1));
    const ranked = this.#rank(query);
    const data = ranked.slice(offset, offset + first).map((stream) => this.#helixStream(stream));
    const more = offset + first < ranked.length;
    return {
      body: { data, pagination: more ? { cursor: encodeCursor(offset + first, number + 1) } : {} },
      offset,
      number,
    };
  }

  #rank(query: Query): LiveStream[] {
    const types = values(query, 'type');
    if (types.some((type) => type !== 'all' && type !== 'live')) {
      throw new BadRequest('The parameter "type" was malformed: the value must be one of "all" or "live"');
    }
    const languages = new Set(values(query, 'language'));
    const byUser = query.user_id !== undefined || query.user_login !== undefined;
    const cacheable = !byUser && this.#world.viewerDrift === 0;
    const key = JSON.stringify([values(query, 'game_id'), [...languages]]);
    if (this.#rankedVersion !== this.#world.version) this.#ranked.clear();
    this.#rankedVersion = this.#world.version;
    const cached = cacheable ? this.#ranked.get(key) : undefined;
    if (cached) return cached;
    const ranked = [...found(this.#world, query)]
      .filter(({ language }) => languages.size === 0 || languages.has(language))
      .map((stream) => ({ stream, viewers: this.#viewers(stream) }))
      .sort((a, b) => b.viewers - a.viewers || (a.stream.id < b.stream.id ? -1 : 1))
      .map(({ stream }) => stream);
    if (cacheable) this.#ranked.set(key, ranked);
    return ranked;
  }

  #viewers({ id, viewers }: LiveStream): number {
    const { viewerDrift } = this.#world;
    if (viewerDrift === 0) return viewers;
    const draw = hash(id, this.#seed + this.#tick) / 2 ** 32;
    return Math.max(0, Math.round(viewers * (1 + viewerDrift * (2 * draw - 1))));
  }

  #helixStream(stream: LiveStream): HelixStream {
    return {
      id: stream.id,
      user_id: stream.userId,
      user_login: stream.userLogin,
      user_name: stream.userName,
      game_id: stream.gameId,
      game_name: stream.gameName,
      type: 'live',
      title: stream.title,
      tags: stream.tags,
      viewer_count: this.#viewers(stream),
      started_at: stream.startedAt,
      language: stream.language,
      thumbnail_url: `https://static-cdn.jtvnw.net/previews-ttv/live_user_${stream.userLogin}-{width}x{height}.jpg`,
      tag_ids: [],
      is_mature: false,
    };
  }
}
