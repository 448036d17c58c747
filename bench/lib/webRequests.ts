/** A read of a page or of the API, by the name under which the results show it. */
export interface WebRequest {
  name: string;
  path: string;
}

/** What the store holds, for requests that name some of it. */
export interface Samples {
  userId: string;
  login: string;
  /** How many logins begin. */
  prefix: string;
  gameId: string;
  /** A label that one target in ten has, and one that ten of all have. */
  label: string;
  rareLabel: string;
  /** Far behind the first page: of targets, of live streams, of announcements. */
  afterTarget: string;
  afterStream: string;
  beforePlace: string;
}

/** What the results measure in another way: it has no end, or is a whole file. */
const APART = ['/api/v1/announcements/live', '/api/v1/targets/export'];

const PROBES = ['/healthz', '/readyz', '/metrics', '/openapi.json'];

/** Queries beside the plain one, by the path of page or operation. */
const QUERIES: Record<string, readonly string[]> = {
  '/': ['game={gameId}', 'after={afterStream}', 'q={login}', 'q={prefix}'],
  '/targets': ['state=live', 'state=refused', 'state=gone', 'after={afterTarget}', 'state=live&after={afterTarget}'],
  '/targets/user/{userId}': [],
  '/polls': [],
  '/api/v1/targets': [
    'limit=1000',
    'state=live',
    'state=refused&limit=1000',
    'state=gone&limit=1000',
    'label={label}',
    'label={rareLabel}',
    'state=live&label={rareLabel}&limit=1000',
    'after={afterTarget}',
  ],
  '/api/v1/streams': [
    'limit=1000',
    'game={gameId}',
    'user={userId}',
    'login={login}',
    'search={prefix}&limit=1000',
    'after={afterStream}',
  ],
  '/api/v1/announcements': ['limit=500', 'before={beforePlace}'],
  '/api/v1/polls': ['limit=500'],
  '/api/v1/series': ['range=month'],
};

/**
 * Every page, every probe, and every `GET` that the API's description names, plain and with the queries that ask most of the
 * store. An operation that is not known here is asked plainly.
 *
 * @param description `/openapi.json`
 * @throws Error when a path wants a value that is not known here
 */
export function webRequests(description: { paths: Record<string, object> }, samples: Samples): WebRequest[] {
  const operations = Object.entries(description.paths).filter(([, methods]) => 'get' in methods);
  const described = operations.map(([path]) => path).filter((path) => !APART.includes(path));
  const pages = Object.keys(QUERIES).filter((path) => !path.startsWith('/api/'));
  const values = { ...samples, kind: 'user', id: samples.userId };
  return [...pages, ...described, ...PROBES].flatMap((path) =>
    ['', ...(QUERIES[path] ?? [])].map((query) => {
      const name = query === '' ? path : `${path}?${query}`;
      return { name, path: fill(name, values) };
    }),
  );
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`bench/lib/webRequests.ts knows no value for {${name}} in ${text}`);
    return encodeURIComponent(value);
  });
}
