import { once } from 'node:events';
import { ago, counted, printable } from '../../lib/words.ts';
import { NUMERIC_ID, TARGET_ID } from '../../poll/ids.ts';
import { TARGET_KINDS, type TargetKind } from '../../poll/model.ts';
import type { Targets } from '../../storage/targets.ts';
import { describeError, EXIT, usageError } from '../errors.ts';
import type { Output } from '../output.ts';
import { withStore } from '../store.ts';
import { isLogin } from './import/line.ts';
import { LookUp } from './lookUp.ts';

/** What targets of a kind are called by people, and the setting that names some. */
const KINDS = {
  user: { option: 'login', example: '--login NAME', one: 'user with the login', setting: 'TARGET_USER_IDS' },
  game: { option: 'name', example: '--name "NAME"', one: 'game with the exact name', setting: 'TARGET_GAME_IDS' },
} as const;

interface NamesOption {
  login?: string[];
  name?: string[];
}

interface Wanted {
  ids: string[];
  /** Ids of the names that Twitch knows. */
  named: Map<string, string>;
  unknown: string[];
  /** Why no name could be looked up. */
  failure?: unknown;
}

async function wantedTargets(kind: TargetKind, ids: string[], options: NamesOption): Promise<Wanted> {
  const { option, example } = KINDS[kind];
  const names = [...new Set(options[option])];
  if (options[option === 'login' ? 'name' : 'login']) throw usageError('users have a --login, games a --name');
  if (ids.length + names.length === 0) throw usageError(`name at least one ${kind}: an id, or ${example}`);
  const notIds = ids.filter((id) => !TARGET_ID.test(id));
  if (notIds.length > 0) {
    throw usageError(`not ids of Twitch: ${notIds.join(', ')} (letters, digits, "_" and "-", at most 64)`);
  }
  const notLogins = kind === 'user' ? names.filter((name) => !isLogin(name)) : [];
  if (notLogins.length > 0)
    throw usageError(`not logins: ${notLogins.join(', ')} (letters, digits and "_", at most 25)`);

  const wanted: Wanted = { ids, named: new Map(), unknown: names };
  if (names.length === 0) return wanted;
  const lookUp = new LookUp();
  try {
    const found = await lookUp.ids(kind, names);
    for (const name of names) {
      const id = found.get(name.toLowerCase());
      if (id !== undefined) wanted.named.set(name, id);
    }
    wanted.unknown = names.filter((name) => !wanted.named.has(name));
  } catch (error) {
    wanted.failure = error;
  } finally {
    await lookUp.close();
  }
  return wanted;
}

/** `targets add` */
export async function add(output: Output, kind: TargetKind, ids: string[], options: NamesOption): Promise<number> {
  const notNumbers = ids.filter((id) => !NUMERIC_ID.test(id));
  if (notNumbers.length > 0) {
    const names = kind === 'user' ? notNumbers.filter(isLogin).join(' ') : `"${notNumbers.join('" "')}"`;
    const hint = names && `; if they are names: targets add ${kind} --${KINDS[kind].option} ${names}`;
    throw usageError(`not ids of Twitch: ${notNumbers.join(', ')} (ids are numbers)${hint}`);
  }
  const wanted = await wantedTargets(kind, ids, options);
  const [added, alreadyThere] = await change(wanted, (targets, id) => targets.add(kind, [id]));
  const words = sentences(wanted, `Added ${counted(added.length, kind)}`, added, 'Already there', alreadyThere);
  output.answer(words, { kind, added, alreadyThere, unknown: wanted.unknown });
  return reportUnknown(output, kind, wanted);
}

/** `targets remove` */
export async function remove(output: Output, kind: TargetKind, ids: string[], options: NamesOption): Promise<number> {
  const wanted = await wantedTargets(kind, ids, options);
  const [removed, notThere] = await change(wanted, (targets, id) => targets.remove(kind, [id]));
  if (removed.length > 0) {
    const named = await withStore(({ targets }) => targets.named(kind));
    const stay = removed.filter((id) => named.has(id)).join(', ');
    if (stay) output.note(`note: ${KINDS[kind].setting} of the workers names ${stay}; removed all the same`);
  }
  const words = sentences(wanted, `Removed ${counted(removed.length, kind)}`, removed, 'Was not there', notThere);
  output.answer(words, { kind, removed, notThere, unknown: wanted.unknown });
  return reportUnknown(output, kind, wanted);
}

/** One by one, so that it can be said exactly which changed, and which did not. */
async function change(
  { ids, named }: Wanted,
  act: (targets: Targets, id: string) => Promise<number>,
): Promise<[changed: string[], rest: string[]]> {
  const all = [...new Set([...ids, ...named.values()])];
  if (all.length === 0) return [[], []];
  const changes = await withStore(({ targets }) => Promise.all(all.map((id) => act(targets, id))));
  return [all.filter((_, i) => changes[i]), all.filter((_, i) => !changes[i])];
}

function sentences({ named }: Wanted, done: string, changed: string[], other: string, rest: string[]): string {
  const namesById = new Map([...named].map(([name, id]) => [id, name]));
  const show = (id: string) => (namesById.has(id) ? `${id} (${namesById.get(id)})` : id);
  const first = `${done}${changed.length > 0 ? `: ${changed.map(show).join(', ')}` : ''}.`;
  return rest.length > 0 ? `${first}\n${other}: ${rest.map(show).join(', ')}.` : first;
}

function reportUnknown(output: Output, kind: TargetKind, { unknown, failure }: Wanted): number {
  if (unknown.length === 0) return EXIT.ok;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  if (failure) output.note(`${describeError(failure)}\nNot looked up: ${names}.`);
  else output.note(`Twitch knows no ${KINDS[kind].one} ${names}.`);
  return EXIT.failed;
}

const IDS_PER_READ = 5_000;

interface ListOptions {
  limit: number;
  all?: boolean;
  after?: string;
  refused?: boolean;
  gone?: boolean;
}

/** `targets list` */
export async function list(
  output: Output,
  kind: TargetKind | undefined,
  { limit, all, after, refused, gone }: ListOptions,
): Promise<number> {
  if (refused && gone) throw usageError('either --refused or --gone');
  if (refused) return listRefused(output, kind);
  if (gone) return listGone(output);
  if (after !== undefined && kind === undefined) throw usageError('--after needs a kind: targets list user --after ID');
  return withStore(async ({ targets }) => {
    const [user, game] = await Promise.all([targets.count('user'), targets.count('game')]);
    const found: { kind: TargetKind; id: string }[] = [];
    let left = all ? Number.POSITIVE_INFINITY : limit;
    for (const each of kind ? [kind] : TARGET_KINDS) {
      let from = after;
      while (left > 0) {
        const ids = await targets.list(each, from, Math.min(left, IDS_PER_READ));
        if (output.json) found.push(...ids.map((id) => ({ kind: each, id })));
        else if (!process.stdout.write(ids.map((id) => `${each}:${id}\n`).join('')))
          await once(process.stdout, 'drain');
        left -= ids.length;
        from = ids.at(-1);
        if (ids.length < IDS_PER_READ) break;
      }
    }
    if (output.json) output.answer('', { counts: { user, game }, targets: found });
    output.note(`${counted(user, 'user')} and ${counted(game, 'game')} in all`);
    if (left === 0) output.note('There may be more: --all lists them, --limit and --after a part.');
    return EXIT.ok;
  });
}

/** `targets list --refused` */
async function listRefused(output: Output, kind: TargetKind | undefined): Promise<number> {
  const kinds = kind ? [kind] : TARGET_KINDS;
  const found = await withStore(({ targets }) =>
    Promise.all(kinds.map(async (each) => (await targets.refused.list(each)).map((one) => ({ kind: each, ...one })))),
  );
  const refused = found.flat().map(({ sinceMs, retryAtMs, ...rest }) => ({
    ...rest,
    since: new Date(sinceMs).toISOString(),
    retryAt: new Date(retryAtMs).toISOString(),
  }));
  const now = Date.now();
  const lines = refused.map(
    ({ kind, id, reason, since, retryAt }) =>
      `${kind}:${id}  # refused ${ago(since, now)}, tried again at ${retryAt}: ${printable(reason)}`,
  );
  output.answer(lines.join('\n'), { refused });
  output.note(`${counted(refused.length, 'target')} refused by Twitch: the others are polled without them`);
  if (refused.length > 0)
    output.note('Remove what is no id (targets remove), or add it again to have it tried at once.');
  return EXIT.ok;
}

/** `targets list --gone` */
async function listGone(output: Output): Promise<number> {
  const gone = await withStore(({ targets }) => targets.gone.list());
  const users = gone.map(({ id, sinceMs, checks }) => ({
    kind: 'user',
    id,
    since: new Date(sinceMs).toISOString(),
    checks,
  }));
  const lines = users.map(({ id, since }) => `user:${id}  # gone since ${ago(since, Date.now())}`);
  output.answer(lines.join('\n'), { gone: users });
  output.note(`${counted(users.length, 'user')} that Twitch no longer knows (banned, deleted, or never there)`);
  if (users.length > 0)
    output.note('They stay targets: some come back. To watch them no longer: targets remove user ID');
  return EXIT.ok;
}
